import there
import unknown_package.part
import _ctypes
try:
    import optional
except ImportError:
    pass
