import there
import unknown_package.part
import winreg
try:
    import optional
except ImportError:
    pass
