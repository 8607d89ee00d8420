# Finds the modules of the frozen library and of the application, which the executable shows as files below itself.
import sys
import _imp
import _frozen_importlib
import _frozen_importlib_external as external

ROOT = sys._stdlib_dir
EXTENSIONS = ROOT + "/lib-dynload"
BELOW = sys.base_prefix + "/"


def lend_code(loader, owner):
    """Has a class of loaders give the code that lies in the executable; `owner` is where its `get_code` comes from."""
    compiled = owner.get_code
    library_code = _imp._library_code

    def get_code(self, fullname):
        if type(self) is loader:
            code = library_code(fullname, self.path)
            if code is not None:
                return code
        return compiled(self, fullname)

    get_code.__module__ = compiled.__module__
    get_code.__qualname__ = compiled.__qualname__
    get_code.__doc__ = compiled.__doc__
    owner.get_code = get_code


lend_code(external.SourceFileLoader, external.SourceLoader)
# Only applications have modules without sources.
lend_code(external.SourcelessFileLoader, external.SourcelessFileLoader)


class FileFinder(external.FileFinder):
    """A finder for a folder in the executable: one look into its index."""

    def find_spec(self, fullname, target=None):
        found = _imp._library_find(fullname, self.path)
        if not found:
            return super().find_spec(fullname, target) if found is None else None
        path, is_package = found
        if path.endswith(".py"):
            loader = external.SourceFileLoader
        elif path.endswith(".pyc"):
            loader = external.SourcelessFileLoader
        else:
            loader = external.ExtensionFileLoader
        spec = _frozen_importlib.ModuleSpec(
            fullname, loader(fullname, path), origin=path, is_package=is_package)
        spec._set_fileattr = True
        if is_package:
            # The path hooks need not be asked.
            folder = path.rpartition("/")[0]
            sys.path_importer_cache[folder] = FileFinder(folder, *DETAILS)
            spec.submodule_search_locations.append(folder)
        return spec


FileFinder.__module__ = external.FileFinder.__module__
FileFinder.__qualname__ = FileFinder.__name__
extension, *DETAILS = external._get_supported_file_loaders()


# Extension modules on disk are refused. Sources beside one that do the same are therefore preferred.
sys.path_hooks.pop()
ordinary_hook = external.FileFinder.path_hook(*DETAILS, extension)


def path_hook_for_FileFinder(path):
    """Path hook for importlib.machinery.FileFinder."""
    if not path.startswith(BELOW) or not external._path_isdir(path):
        return ordinary_hook(path)
    return FileFinder(path, *DETAILS)


path_hook_for_FileFinder.__module__ = ordinary_hook.__module__
path_hook_for_FileFinder.__qualname__ = ordinary_hook.__qualname__
sys.path_hooks.append(path_hook_for_FileFinder)
for folder in (ROOT, EXTENSIONS):
    sys.path_importer_cache[folder] = FileFinder(folder, *DETAILS)
