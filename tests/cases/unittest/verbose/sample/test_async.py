import asyncio
import unittest
from unittest import mock


class Waiting(unittest.IsolatedAsyncioTestCase):
    async def test_sleep(self):
        self.assertEqual(await asyncio.sleep(0, "done"), "done")

    async def test_mock(self):
        double = mock.AsyncMock(return_value=3)
        self.assertEqual(await double(1), 3)
        double.assert_awaited_once_with(1)
