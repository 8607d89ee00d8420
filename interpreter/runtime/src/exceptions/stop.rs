//! `StopIteration` and `SystemExit`: exceptions that bring a value.

use crate::exceptions::PyResult;
use crate::exceptions::base::{self, BaseException};
use crate::exceptions::fields::exception_type;
use crate::exceptions::hierarchy::PlainException;
use crate::slots::KeywordNames;
use crate::types::none::none;
use crate::value::Value;
use crate::vm::Vm;

exception_type! {
    /// Signal the end from iterator.__next__().
    class "StopIteration" StopIteration: PlainException {
        value: "value", "generator return value";
    }
    slots { init: StopIteration::init }
    methods &[];
}

impl StopIteration {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        let stop = crate::convert::payload_of::<StopIteration>(this);
        stop.value.set(Some(args.first().cloned().unwrap_or_else(none)));
        Ok(())
    }
}

exception_type! {
    /// Request to exit from the interpreter.
    class "SystemExit" SystemExit: BaseException {
        code: "code", "exception code";
    }
    slots { init: SystemExit::init }
    methods &[];
}

impl SystemExit {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        let exit = crate::convert::payload_of::<SystemExit>(this);
        match args {
            [] => {}
            [code] => exit.code.set(Some(code.clone())),
            _ => exit.code.set(Some(exit.base.args().into_value())),
        }
        Ok(())
    }
}
