import sys

sys.path += ["first", "second", "modules.zip"]

import compiled
import package
import space
import space.one
import space.other
import zipped
import zipped_package

for module in compiled, package, package.inside, space, space.one, space.other, zipped, zipped_package:
    loader = type(module.__loader__).__name__
    print(module.__name__, getattr(module, "value", None), loader, module.__spec__.origin, module.__spec__.cached)
print(space.__path__)
print(zipped.__file__, zipped.__loader__)
