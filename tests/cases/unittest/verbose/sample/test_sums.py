import unittest


class Sums(unittest.TestCase):
    """Sums of small numbers."""

    @classmethod
    def setUpClass(cls):
        cls.numbers = [1, 2, 3]

    def setUp(self):
        self.addCleanup(self.numbers.append, 4)

    def test_addition(self):
        """The sum of the numbers is what it should be."""
        self.assertEqual(sum(self.numbers[:3]), 6)

    def test_difference(self):
        self.assertEqual([1, 2, 3], [1, 2, 4])

    def test_long_texts(self):
        self.assertMultiLineEqual("one\ntwo\nthree\n", "one\n2\nthree\n")

    def test_error(self):
        {}["missing"]

    @unittest.skip("not today")
    def test_skipped(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.assertIn(4, (1, 2))

    @unittest.expectedFailure
    def test_unexpected(self):
        self.assertTrue(True)

    def test_several(self):
        for number in range(4):
            with self.subTest(number=number):
                self.assertFalse(number % 2)

    def test_raises(self):
        with self.assertRaisesRegex(ValueError, "invalid literal"):
            int("x")
        with self.assertWarns(DeprecationWarning):
            import warnings
            warnings.warn("old", DeprecationWarning)


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no set-up")

    def test_never(self):
        pass
