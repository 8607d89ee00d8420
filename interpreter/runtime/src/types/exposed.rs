//! The native module `_types`: the builtin types that have no name of their own, for the module `types`.

use crate::exceptions::traceback::Traceback;
use crate::object::{Payload, TypeObject};
use crate::types::capsule::Capsule;
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::descriptors::{GetSetDescriptor, MappingProxy, MemberDescriptor};
use crate::types::frame::FrameObject;
use crate::types::function::Function;
use crate::types::generator::{AsyncGenerator, Coroutine, Generator};
use crate::types::generic_alias::GenericAlias;
use crate::types::method::BoundMethod;
use crate::types::module::Module;
use crate::types::namespace::Namespace;
use crate::types::native_function::{
    MethodWrapper, NativeClassMethod, NativeFunction, NativeMethod, SlotWrapper,
};
use crate::types::none::{EllipsisType, NoneType, NotImplementedType};
use crate::types::union::Union;

/// The names and their types.
static EXPOSED: [(&str, fn() -> &'static TypeObject); 27] = [
    ("AsyncGeneratorType", AsyncGenerator::static_type),
    ("BuiltinFunctionType", NativeFunction::static_type),
    ("BuiltinMethodType", NativeFunction::static_type),
    ("CapsuleType", Capsule::static_type),
    ("CellType", CellObject::static_type),
    ("ClassMethodDescriptorType", NativeClassMethod::static_type),
    ("CodeType", Code::static_type),
    ("CoroutineType", Coroutine::static_type),
    ("EllipsisType", EllipsisType::static_type),
    ("FrameType", FrameObject::static_type),
    ("FunctionType", Function::static_type),
    ("GeneratorType", Generator::static_type),
    ("GenericAlias", GenericAlias::static_type),
    ("GetSetDescriptorType", GetSetDescriptor::static_type),
    ("LambdaType", Function::static_type),
    ("MappingProxyType", MappingProxy::static_type),
    ("MemberDescriptorType", MemberDescriptor::static_type),
    ("MethodDescriptorType", NativeMethod::static_type),
    ("MethodType", BoundMethod::static_type),
    ("MethodWrapperType", MethodWrapper::static_type),
    ("ModuleType", Module::static_type),
    ("NoneType", NoneType::static_type),
    ("NotImplementedType", NotImplementedType::static_type),
    ("SimpleNamespace", Namespace::static_type),
    ("TracebackType", Traceback::static_type),
    ("UnionType", Union::static_type),
    ("WrapperDescriptorType", SlotWrapper::static_type),
];

crate::native_module! {
    name: "_types",
    doc: "Define names for built-in types.",
    functions: [],
    types: [],
    execute: |vm, module| {
        for (name, typ) in &EXPOSED {
            let typ = typ();
            typ.ready(vm);
            module.set(vm, name, typ.to_value());
        }
        Ok(())
    },
}
