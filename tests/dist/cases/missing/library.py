import unittest.nothing
