# Finds the modules of the frozen library, which the executable shows as files below itself.
import sys
import _imp
import _frozen_importlib
import _frozen_importlib_external as external

ROOT = sys._stdlib_dir


class SourceFileLoader(external.SourceFileLoader):
    """A loader whose code lies in the executable."""

    def get_code(self, fullname):
        found = _imp._library_module(fullname)
        if found is None:
            return super().get_code(fullname)
        return found[0]


SourceFileLoader.__module__ = external.SourceFileLoader.__module__
SourceFileLoader.__qualname__ = "SourceFileLoader"


class FileFinder(external.FileFinder):
    """A finder for a folder of the frozen library: one look into its index."""

    def find_spec(self, fullname, target=None):
        found = _imp._library_find(fullname)
        if found is None:
            return super().find_spec(fullname, target)
        path, is_package = found
        folder = path.rpartition("/")[0]
        if is_package:
            folder = folder.rpartition("/")[0]
        if folder != self.path:
            return super().find_spec(fullname, target)
        spec = _frozen_importlib.ModuleSpec(
            fullname, SourceFileLoader(fullname, path), origin=path, is_package=is_package)
        spec._set_fileattr = True
        if is_package:
            # The path hooks need not be asked.
            folder = path.rpartition("/")[0]
            sys.path_importer_cache[folder] = FileFinder(folder, *DETAILS)
            spec.submodule_search_locations.append(folder)
        return spec


FileFinder.__module__ = external.FileFinder.__module__
FileFinder.__qualname__ = "FileFinder"
DETAILS = [
    (SourceFileLoader, external.SOURCE_SUFFIXES),
    (external.SourcelessFileLoader, external.BYTECODE_SUFFIXES),
]


ordinary_hook = sys.path_hooks.pop()


def path_hook_for_FileFinder(path):
    """Path hook for importlib.machinery.FileFinder."""
    if path != ROOT and not path.startswith(ROOT + "/"):
        return ordinary_hook(path)
    return FileFinder(path, *DETAILS)


path_hook_for_FileFinder.__module__ = ordinary_hook.__module__
path_hook_for_FileFinder.__qualname__ = ordinary_hook.__qualname__
sys.path_hooks.append(path_hook_for_FileFinder)
sys.path_importer_cache[ROOT] = FileFinder(ROOT, *DETAILS)
