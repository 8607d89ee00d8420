//! The builtin types, one a file.

pub mod bool;
pub mod bytes;
pub mod capsule;
pub mod cell;
pub mod code;
pub mod code_body;
pub mod code_key;
pub mod code_methods;
pub mod code_verification;
pub mod complex;
pub mod copying;
pub mod descriptors;
pub mod dict;
pub mod exposed;
pub mod float;
mod float_methods;
pub mod frame;
mod frame_jump;
pub mod function;
pub mod function_text;
pub mod generator;
pub mod generic_alias;
pub mod int;
mod int_methods;
pub mod iterators;
pub mod list;
pub(crate) mod list_methods;
pub mod method;
pub mod module;
pub mod namespace;
pub mod native_function;
pub mod none;
pub mod object;
pub mod range;
pub mod set;
pub mod slice;
pub mod string;
pub mod structseq;
pub mod super_;
pub mod template;
pub mod tuple;
mod tuple_methods;
pub mod typ;
pub mod typing;
pub mod union;
pub mod weakref;

use crate::object::{Payload, TypeObject};
use crate::vm::Vm;

/// Types that evaluation needs and no module brings along.
const INTERNAL: &[fn() -> &'static TypeObject] = &[
    cell::CellObject::static_type,
    code::Code::static_type,
    frame::FrameObject::static_type,
    frame::FrameLocals::static_type,
    method::BoundMethod::static_type,
    native_function::NativeMethod::static_type,
    native_function::NativeClassMethod::static_type,
    native_function::SlotWrapper::static_type,
    native_function::MethodWrapper::static_type,
    generator::Generator::static_type,
    generator::Coroutine::static_type,
    generator::AsyncGenerator::static_type,
    generator::asynchronous::AsyncSend::static_type,
    generator::asynchronous::AsyncThrow::static_type,
    generator::asynchronous::CoroutineWrapper::static_type,
    generator::asynchronous::NextOrDefault::static_type,
    generator::asynchronous::WrappedValue::static_type,
    descriptors::GetSetDescriptor::static_type,
    descriptors::MemberDescriptor::static_type,
    descriptors::MappingProxy::static_type,
    iterators::ListIterator::static_type,
    iterators::TupleIterator::static_type,
    iterators::RangeIterator::static_type,
    iterators::SequenceIterator::static_type,
    iterators::CallableIterator::static_type,
    namespace::Namespace::static_type,
    none::EllipsisType::static_type,
    none::NotImplementedType::static_type,
];

/// Makes the types ready that evaluation needs and no module brings along.
pub fn ready_all(vm: &Vm) {
    for typ in INTERNAL {
        typ().ready(vm);
    }
}
