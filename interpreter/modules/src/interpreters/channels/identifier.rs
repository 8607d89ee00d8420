//! `ChannelID`: what stands for a channel in Python, and how it crosses between interpreters. The channel goes with the last.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::slots::Comparison;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::int;
use rspy_runtime::types::none::not_implemented;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::super::crossing::{Crossing, register};
use super::{End, Refusal, take_out, with_listed};

/// A channel ID identifies a channel and may be used as an int.
#[pyclass(name = "ChannelID", module = "_interpchannels", subclassable, no_new)]
pub struct ChannelId {
    id: i64,
    /// The end that is meant, if it is not both.
    end: Option<End>,
    /// Whether it becomes the object of an end where it arrives.
    resolves: bool,
}

impl ChannelId {
    /// What stands for a channel. With `force` there need not be one.
    ///
    /// # Errors
    /// Where there is no such channel.
    pub(super) fn make(
        id: i64,
        end: Option<End>,
        force: bool,
        resolves: bool,
    ) -> Result<Ref<ChannelId>, Refusal> {
        match with_listed(id, |listed| listed.objects += 1) {
            Err(refusal) if !force => Err(refusal),
            _ => Ok(Object::new(ChannelId { id, end, resolves })),
        }
    }

    /// The number and the end.
    pub(super) fn parts(&self) -> (i64, Option<End>) {
        (self.id, self.end)
    }
}

impl Drop for ChannelId {
    fn drop(&mut self) {
        let last = with_listed(self.id, |listed| {
            listed.objects = listed.objects.saturating_sub(1);
            listed.objects == 0
        });
        if last == Ok(true) {
            drop(take_out(self.id));
        }
    }
}

#[pymethods]
impl ChannelId {
    #[slot(repr)]
    fn repr(this: &Object<ChannelId>) -> String {
        let end = match this.end {
            Some(End::Send) => ", send=True",
            Some(End::Receive) => ", recv=True",
            None => "",
        };
        format!("{}({}{end})", this.type_of().name(), this.id)
    }

    #[slot(str)]
    fn str(&self) -> String {
        self.id.to_string()
    }

    #[slot(int)]
    fn int(&self) -> i64 {
        self.id
    }

    #[slot(index)]
    fn index(&self) -> i64 {
        self.id
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        vm.hash(&int::new(self.id))
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(not_implemented());
        }
        let equal = if let Some(other) = other.downcast::<ChannelId>() {
            self.parts() == other.parts()
        } else if int::is_int(other) {
            int::small_value(other) == Some(self.id)
        } else if is_number(other) {
            return vm.compare(&int::new(self.id), other, comparison);
        } else {
            return Ok(not_implemented());
        };
        Ok(boolean(equal == (comparison == Comparison::Equal)))
    }

    /// 'send', 'recv', or 'both'
    #[getter("end")]
    fn end(&self) -> &'static str {
        match self.end {
            Some(End::Send) => "send",
            Some(End::Receive) => "recv",
            None => "both",
        }
    }

    /// the 'send' end of the channel
    #[getter("send")]
    fn send(&self, vm: &Vm) -> PyResult<Ref<ChannelId>> {
        Self::make(self.id, Some(End::Send), true, self.resolves)
            .map_err(|refusal| refusal.error(vm, self.id))
    }

    /// the 'recv' end of the channel
    #[getter("recv")]
    fn receive(&self, vm: &Vm) -> PyResult<Ref<ChannelId>> {
        Self::make(self.id, Some(End::Receive), true, self.resolves)
            .map_err(|refusal| refusal.error(vm, self.id))
    }
}

fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.get().is_some() || slots.int.get().is_some() || slots.float.get().is_some()
}

/// A channel on its way between interpreters.
pub struct Reference {
    id: i64,
    end: Option<End>,
    resolves: bool,
    /// Whether it was the object of an end.
    is_end: bool,
}

impl Reference {
    fn of_id(id: &ChannelId, is_end: bool) -> Crossing {
        Crossing::Channel(Reference { id: id.id, end: id.end, resolves: id.resolves, is_end })
    }

    /// What stands for the channel in this interpreter.
    ///
    /// # Errors
    /// `ChannelNotFoundError` where it is gone, and what the class of its end raises.
    pub fn load(&self, vm: &Vm) -> PyResult {
        import_module(vm, "_interpchannels")?;
        let id =
            ChannelId::make(self.id, self.end, false, false).map_err(|refusal| refusal.error(vm, self.id))?;
        let id = id.into_value();
        match self.end {
            Some(end) if self.is_end => object_of_end(vm, end, id),
            Some(end) if self.resolves => Ok(object_of_end(vm, end, id.clone()).unwrap_or(id)),
            _ => Ok(id),
        }
    }
}

/// The classes of the ends, which Python has made for this module.
#[derive(Clone)]
struct EndTypes {
    send: Ref<Type>,
    receive: Ref<Type>,
}

static END_TYPES: PerInterpreter<GilCell<Option<EndTypes>>> = PerInterpreter::new(GilCell::default);

/// The module that makes the classes of the ends; the first that is there counts.
const MODULES: [&str; 2] = ["concurrent.interpreters._channels", "test.support.channels"];

fn object_of_end(vm: &Vm, end: End, id: Value) -> PyResult {
    if END_TYPES.of(vm).borrow().is_none() {
        let [first, second] = MODULES;
        import_module(vm, first).or_else(|_| import_module(vm, second))?;
    }
    let types = END_TYPES.of(vm).get();
    let types = types.ok_or_else(|| vm.runtime_error("channel end types could not be found"))?;
    let class = if end == End::Send { types.send } else { types.receive };
    vm.call(class.value(), &[id])
}

fn share_id(_vm: &Vm, object: &Value) -> PyResult<Crossing> {
    let id = object.downcast::<ChannelId>().expect("registered for this type alone");
    Ok(Reference::of_id(id, false))
}

fn share_end(vm: &Vm, object: &Value) -> PyResult<Crossing> {
    let id = vm.get_attribute_str(object, "_id")?;
    match id.downcast::<ChannelId>() {
        Some(id) => Ok(Reference::of_id(id, true)),
        None => Err(vm.type_error(format!("expected a channel ID, got {}", id.type_of().full_name()))),
    }
}

/// Has ids cross.
pub(super) fn register_ids(vm: &Vm) {
    register(vm, <ChannelId as rspy_runtime::object::Payload>::static_type(), share_id);
}

/// Has the objects of ends cross.
pub(super) fn register_ends(vm: &Vm, send: &Object<Type>, receive: &Object<Type>) {
    END_TYPES.of(vm).set(Some(EndTypes { send: send.to_ref(), receive: receive.to_ref() }));
    register(vm, send, share_end);
    register(vm, receive, share_end);
}
