//! Opcodes, code objects as plain data, location and exception tables, marshal and .pyc.
