//! Functions with documentation and signatures of all kinds, for `inspect` and `pydoc`.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("docstring_empty")]
    fn empty(args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }

    /// This docstring has no signature.
    #[function("docstring_no_signature")]
    fn no_signature(args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }

    /// This docstring has no signature.
    #[function("docstring_no_signature_noargs()")]
    fn no_signature_noargs() {}

    /// This docstring has no signature.
    #[function("docstring_no_signature_o(object, /)")]
    fn no_signature_o(object: &Value) {
        let _ = object;
    }

    /// This docstring has a valid signature.
    #[function("docstring_with_signature(module, /, sig)")]
    fn with_signature(sig: &Value) {
        let _ = sig;
    }

    #[function("docstring_with_signature_but_no_doc(module, /, sig)")]
    fn with_signature_but_no_doc(sig: &Value) {
        let _ = sig;
    }

    /// This docstring has a valid signature with parameters,
    /// and the parameters take defaults of varying types.
    #[function(
        "docstring_with_signature_with_defaults(s='avocado', b=b'bytes', d=3.14, i=35, n=None, t=True, f=False, local=the_number_three, sys=sys.maxsize, exp=sys.maxsize - 1)"
    )]
    fn with_defaults(args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }

    /// This docstring has a signature with unrepresentable default.
    #[function("func_with_unrepresentable_signature(a, b=<x>)")]
    fn unrepresentable(args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }
}

#[pyclass(name = "DocStringNoSignatureTest", module = "_testcapi", static_type)]
pub struct DocStringNoSignatureTest;

#[pymethods]
impl DocStringNoSignatureTest {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, DocStringNoSignatureTest).into_value())
    }

    /// This docstring has no signature.
    #[method("meth_noargs(self, /)")]
    fn noargs(&self) {}

    /// This docstring has no signature.
    #[method("meth_o(self, object, /)")]
    fn one(&self, object: &Value) {
        let _ = object;
    }

    /// This docstring has no signature.
    #[classmethod("meth_noargs_class(type, /)")]
    fn noargs_class(cls: &TypeObject) {
        let _ = cls;
    }

    /// This docstring has no signature.
    #[classmethod("meth_o_class(type, object, /)")]
    fn one_class(cls: &TypeObject, object: &Value) {
        let _ = (cls, object);
    }

    /// This docstring has no signature.
    #[staticmethod("meth_noargs_static()")]
    fn noargs_static() {}

    /// This docstring has no signature.
    #[staticmethod("meth_o_static(object, /)")]
    fn one_static(object: &Value) {
        let _ = object;
    }

    /// This docstring has no signature.
    #[method("meth_noargs_coexist(self, /)")]
    fn noargs_coexist(&self) {}

    /// This docstring has no signature.
    #[method("meth_o_coexist(self, object, /)")]
    fn one_coexist(&self, object: &Value) {
        let _ = object;
    }
}

#[pyclass(name = "DocStringUnrepresentableSignatureTest", module = "_testcapi", static_type)]
pub struct DocStringUnrepresentableSignatureTest;

#[pymethods]
impl DocStringUnrepresentableSignatureTest {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, DocStringUnrepresentableSignatureTest).into_value())
    }

    /// This docstring has a signature with unrepresentable default.
    #[method("meth(self, /, a, b=<x>)")]
    fn method(&self, args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }

    /// This docstring has a signature with unrepresentable default.
    #[classmethod("classmeth(type, /, a, b=<x>)")]
    fn class_method(cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) {
        let _ = (cls, args, names);
    }

    /// This docstring has a signature with unrepresentable default.
    #[staticmethod("staticmeth(a, b=<x>)")]
    fn static_method(args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }

    /// This instance method has a default parameter value from the module scope.
    #[method("with_default(self, /, x=ONE)")]
    fn with_default(&self, args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
    }
}
