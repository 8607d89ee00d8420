from . import inside; value = "package " + inside.value
