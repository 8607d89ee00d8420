//! Freezes Lib, packages applications, inspects and verifies what it made.
