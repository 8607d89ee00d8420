# Finds the modules of the frozen library and of the application, which the executable shows as files below itself.
import sys
import _imp
import _frozen_importlib
import _frozen_importlib_external as external

ROOT = sys._stdlib_dir
BELOW = sys.base_prefix + "/"


class SourceFileLoader(external.SourceFileLoader):
    """A loader whose code lies in the executable."""

    def get_code(self, fullname):
        code = _imp._library_code(fullname, self.path)
        if code is None:
            return super().get_code(fullname)
        return code


sourceless = None


def sourceless_loader(fullname, path):
    """The loader of a module whose code, and nothing else, lies in the executable: only applications have such."""
    global sourceless
    if sourceless is None:
        class SourcelessFileLoader(external.SourcelessFileLoader):
            def get_code(self, fullname):
                code = _imp._library_code(fullname, self.path)
                if code is None:
                    return super().get_code(fullname)
                return code

        SourcelessFileLoader.__module__ = external.FileFinder.__module__
        SourcelessFileLoader.__qualname__ = "SourcelessFileLoader"
        sourceless = SourcelessFileLoader
    return sourceless(fullname, path)


class FileFinder(external.FileFinder):
    """A finder for a folder in the executable: one look into its index."""

    def find_spec(self, fullname, target=None):
        found = _imp._library_find(fullname, self.path)
        if found is None:
            return super().find_spec(fullname, target)
        path, is_package = found
        loader = SourceFileLoader if path.endswith(".py") else sourceless_loader
        spec = _frozen_importlib.ModuleSpec(
            fullname, loader(fullname, path), origin=path, is_package=is_package)
        spec._set_fileattr = True
        if is_package:
            # The path hooks need not be asked.
            folder = path.rpartition("/")[0]
            sys.path_importer_cache[folder] = FileFinder(folder, *DETAILS)
            spec.submodule_search_locations.append(folder)
        return spec


for own in (SourceFileLoader, FileFinder):
    own.__module__ = external.FileFinder.__module__
    own.__qualname__ = own.__name__
del own
DETAILS = [
    (SourceFileLoader, external.SOURCE_SUFFIXES),
    (external.SourcelessFileLoader, external.BYTECODE_SUFFIXES),
]


ordinary_hook = sys.path_hooks.pop()


def path_hook_for_FileFinder(path):
    """Path hook for importlib.machinery.FileFinder."""
    if not path.startswith(BELOW) or not external._path_isdir(path):
        return ordinary_hook(path)
    return FileFinder(path, *DETAILS)


path_hook_for_FileFinder.__module__ = ordinary_hook.__module__
path_hook_for_FileFinder.__qualname__ = ordinary_hook.__qualname__
sys.path_hooks.append(path_hook_for_FileFinder)
sys.path_importer_cache[ROOT] = FileFinder(ROOT, *DETAILS)
