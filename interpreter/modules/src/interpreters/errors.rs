//! The exceptions of working with several interpreters.

use rspy_runtime::exceptions::hierarchy::{PlainException, TypeError};

use crate::support::exception;

exception! {
    /// A cross-interpreter operation failed
    InterpreterError, "InterpreterError", "concurrent.interpreters", PlainException, weak
}

exception! {
    /// An interpreter was not found
    InterpreterNotFoundError, "InterpreterNotFoundError", "concurrent.interpreters", InterpreterError, weak
}

exception! {
    #[doc = ""]
    NotShareableError, "NotShareableError", "concurrent.interpreters", TypeError, weak
}
