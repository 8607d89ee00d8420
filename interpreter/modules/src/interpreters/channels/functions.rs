//! The functions of `_interpchannels`, and what they tell of a channel.

use std::time::{Duration, Instant};

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::interpreters;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::memoryview::MemoryView;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::types::{int, structseq};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::{native_module, struct_sequence};

use super::super::crossing::{Crossing, Fallback};
use super::super::number_of;
use super::super::queues::{Item, Unbound, fallback_of};
use super::identifier::{self, ChannelId};
use super::{
    CHANNELS, Channel, ChannelClosedError, ChannelEmptyError, ChannelError, ChannelNotEmptyError,
    ChannelNotFoundError, End, Refusal, User, Users,
};
use crate::datetime::arguments::{Arguments, Parameters};
use crate::time::{Rounding, nanoseconds_of};

struct_sequence! {
    /// ChannelInfo
    ///
    /// A named tuple of a channel's state.
    pub struct ChannelInfo("_interpchannels", "ChannelInfo") {
        visible {
            open: "both ends are open", closing: "send is closed, recv is non-empty", closed: "both ends are closed",
            count: "queued objects", num_interp_send: "interpreters bound to the send end",
            num_interp_send_released: "interpreters bound to the send end and released",
            num_interp_recv: "interpreters bound to the send end",
            num_interp_recv_released: "interpreters bound to the send end and released",
        }
        unnamed 0
        hidden {
            num_interp_both: "interpreters bound to both ends",
            num_interp_both_released: "interpreters bound to both ends and released_from_both",
            num_interp_both_send_released: "interpreters bound to both ends and released_from_the send end",
            num_interp_both_recv_released: "interpreters bound to both ends and released_from_the recv end",
            send_associated: "current interpreter is bound to the send end",
            send_released: "current interpreter *was* bound to the send end",
            recv_associated: "current interpreter is bound to the recv end",
            recv_released: "current interpreter *was* bound to the recv end",
        }
    }
}

native_module! {
    name: "_interpchannels",
    doc: "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.",
    functions: [Functions::FUNCTIONS],
    types: [
        ChannelError, ChannelNotFoundError, ChannelClosedError, ChannelEmptyError, ChannelNotEmptyError, ChannelId,
    ],
    execute: |vm, module| {
        structseq::publish::<ChannelInfo>(vm, module);
        identifier::register_ids(vm);
        Ok(())
    },
}

/// A state of a channel that is closed.
const CLOSED: [i64; 12] = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The numbers of `ChannelInfo` up to those of the current interpreter.
fn numbers(channel: &Channel) -> [i64; 12] {
    if !channel.is_open {
        return CLOSED;
    }
    let count = |test: &dyn Fn(Option<User>, Option<User>) -> bool| {
        let senders =
            channel.senders.all.iter().map(|user| (Some(*user), channel.receivers.find(user.interpreter)));
        let receivers =
            channel.receivers.all.iter().filter(|user| channel.senders.find(user.interpreter).is_none());
        senders
            .chain(receivers.map(|user| (None, Some(*user))))
            .filter(|(send, receive)| test(*send, *receive))
            .count() as i64
    };
    let alone = |open: bool| {
        move |user: Option<User>, other: Option<User>| {
            other.is_none() && user.is_some_and(|user| user.is_open == open)
        }
    };
    let both = |sending: bool, receiving: bool| {
        count(&|send, receive| {
            send.is_some_and(|user| user.is_open == sending)
                && receive.is_some_and(|user| user.is_open == receiving)
        })
    };
    [
        i64::from(!channel.is_closing),
        i64::from(channel.is_closing),
        0,
        channel.items.len() as i64,
        count(&alone(true)),
        count(&alone(false)),
        count(&|send, receive| alone(true)(receive, send)),
        count(&|send, receive| alone(false)(receive, send)),
        both(true, true),
        both(false, false),
        // CPython's names say the opposite of what it counts.
        both(true, false),
        both(false, true),
    ]
}

/// Whether an interpreter is at an end, and whether it was.
fn presence(users: &Users, interpreter: i64) -> [bool; 2] {
    let user = users.find(interpreter);
    [user.is_some_and(|user| user.is_open), user.is_some_and(|user| !user.is_open)]
}

/// The number in an argument that means a channel.
fn channel_of(vm: &Vm, value: &Value) -> PyResult<(i64, Option<End>)> {
    match value.downcast::<ChannelId>() {
        Some(id) => Ok(id.parts()),
        None => Ok((number_of(vm, value, "channel")?, None)),
    }
}

const fn of_channel(function: &'static str) -> Parameters<1> {
    Parameters { function, names: ["cid"], required: 1, positional: 1 }
}

static CREATE: Parameters<2> =
    Parameters { function: "create()", names: ["unboundop", "fallback"], required: 0, positional: 2 };
static DESTROY: Parameters<1> = of_channel("channel_destroy()");
static LIST_INTERPRETERS: Parameters<2> = Parameters {
    function: "channel_list_interpreters()",
    names: ["cid", "send"],
    required: 2,
    positional: 1,
};
static SEND: Parameters<6> = of_sending("channel_send()");
static SEND_BUFFER: Parameters<6> = of_sending("channel_send_buffer()");
static RECEIVE: Parameters<2> =
    Parameters { function: "channel_recv()", names: ["cid", "default"], required: 1, positional: 2 };
static CLOSE: Parameters<4> = of_closing("channel_close()");
static RELEASE: Parameters<4> = of_closing("channel_release()");
static GET_COUNT: Parameters<1> = of_channel("get_count()");
static GET_INFO: Parameters<1> = of_channel("_get_info()");
static GET_DEFAULTS: Parameters<1> = of_channel("get_channel_defaults()");
static CHANNEL_ID: Parameters<5> = Parameters {
    function: "ChannelID.__new__()",
    names: ["id", "send", "recv", "force", "_resolve"],
    required: 1,
    positional: 1,
};
static REGISTER: Parameters<2> =
    Parameters { function: "_register_end_types()", names: ["send", "recv"], required: 2, positional: 2 };

const fn of_sending(function: &'static str) -> Parameters<6> {
    Parameters {
        function,
        names: ["cid", "obj", "unboundop", "fallback", "blocking", "timeout"],
        required: 2,
        positional: 4,
    }
}

const fn of_closing(function: &'static str) -> Parameters<4> {
    Parameters { function, names: ["cid", "send", "recv", "force"], required: 1, positional: 1 }
}

/// The only argument of most functions.
fn only_id(
    vm: &Vm,
    parameters: &'static Parameters<1>,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<i64> {
    let bound = parameters.bind(vm, args, names)?;
    let (id, _) = channel_of(vm, bound.require(vm, 0)?)?;
    bound.finish(vm)?;
    Ok(id)
}

/// The truth of an argument, if it was given.
fn truth<const N: usize>(vm: &Vm, bound: &Arguments<'_, N>, place: usize) -> PyResult<Option<bool>> {
    bound.get(place).map(|value| vm.is_true(value)).transpose()
}

/// When waiting ends that an argument limits.
fn end_of_waiting(vm: &Vm, timeout: Option<&Value>, blocking: bool) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout.filter(|timeout| !is_none(timeout)) else { return Ok(None) };
    if !blocking {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    match u64::try_from(nanoseconds_of(vm, timeout, Rounding::Up)?) {
        Ok(time) => Ok(Instant::now().checked_add(Duration::from_nanos(time))),
        Err(_) => Err(vm.value_error("timeout value must be a non-negative number")),
    }
}

/// Sends an object, or the memory that it shows.
fn send(
    vm: &Vm,
    parameters: &'static Parameters<6>,
    args: &[Value],
    names: KeywordNames<'_>,
    buffer: bool,
) -> PyResult<()> {
    let bound = parameters.bind(vm, args, names)?;
    let (id, _) = channel_of(vm, bound.require(vm, 0)?)?;
    let object = bound.require(vm, 1)?;
    let optional = |place| bound.get(place).map_or(Ok(-1), |_| bound.int(vm, place));
    let (unbound, fallback) = (optional(2)?, optional(3)?);
    let blocking = truth(vm, &bound, 4)?.unwrap_or(true);
    bound.finish(vm)?;
    let refused = |refusal: Refusal| refusal.error(vm, id);
    let (default_unbound, default_fallback) = super::defaults(id).map_err(refused)?;
    let unbound = Unbound::of(vm, unbound, Some(default_unbound))?;
    let fallback = fallback_of(vm, fallback, default_fallback)?;
    let end = end_of_waiting(vm, bound.get(5), blocking)?;
    let view = match buffer {
        true => MemoryView::static_type().construct(vm, std::slice::from_ref(object))?,
        false => object.clone(),
    };
    super::check_sending(id).map_err(refused)?;
    let item = Item::new(vm, Crossing::of(vm, &view, fallback)?, unbound);
    match blocking {
        true => super::put_and_wait(vm, id, item, end),
        false => super::put(vm, id, item).map_err(refused),
    }
}

/// The channel, and the ends that are meant, and whether by force.
fn closing(
    vm: &Vm,
    parameters: &'static Parameters<4>,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<(i64, bool, bool, bool)> {
    let bound = parameters.bind(vm, args, names)?;
    let (id, _) = channel_of(vm, bound.require(vm, 0)?)?;
    let mut given = [false; 3];
    for (place, given) in given.iter_mut().enumerate() {
        *given = truth(vm, &bound, place + 1)?.unwrap_or(false);
    }
    bound.finish(vm)?;
    let [send, receive, force] = given;
    Ok((id, send, receive, force))
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// channel_create(unboundop) -> cid
    ///
    /// Create a channel between interpreters and return what identifies it.
    #[function("create")]
    fn create(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<ChannelId>> {
        let bound = CREATE.bind(vm, args, names)?;
        let optional = |place| bound.get(place).map_or(Ok(-1), |_| bound.int(vm, place));
        let (unbound, fallback) = (optional(0)?, optional(1)?);
        bound.finish(vm)?;
        let unbound = Unbound::of(vm, unbound, Some(Unbound::Replace))?;
        let id = super::create(unbound, fallback_of(vm, fallback, Fallback::Full)?);
        ChannelId::make(id, None, false, false).map_err(|refusal| refusal.error(vm, id))
    }

    /// channel_destroy(cid)
    ///
    /// Close and forget the channel, as if it had never been.
    #[function("destroy")]
    fn destroy(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let id = only_id(vm, &DESTROY, args, names)?;
        match super::take_out(id) {
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound.error(vm, id)),
        }
    }

    /// channel_list_all() -> [cid]
    ///
    /// Return the list of all IDs for active channels.
    #[function("list_all()")]
    fn list_all(vm: &Vm) -> PyResult<Ref<List>> {
        let all: Vec<(i64, Unbound, Fallback)> = {
            let channels = CHANNELS.borrow();
            let open =
                channels.1.iter().rev().filter_map(|listed| Some((listed.id, listed.channel.as_ref()?)));
            open.map(|(id, channel)| (id, channel.unbound, channel.fallback)).collect()
        };
        let made = all.into_iter().map(|(id, unbound, fallback)| {
            let object = ChannelId::make(id, None, false, false).map_err(|refusal| refusal.error(vm, id))?;
            Ok(Tuple::from_values([object.into_value(), int::new(unbound as i64), fallback_number(fallback)])
                .into_value())
        });
        Ok(List::from_vec(made.collect::<PyResult<_>>()?))
    }

    /// channel_list_interpreters(cid, *, send) -> [id]
    ///
    /// Return the numbers of the interpreters at an end of the channel.
    ///
    /// The 'send' argument says which end is meant.
    #[function("list_interpreters")]
    fn list_interpreters(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<List>> {
        let bound = LIST_INTERPRETERS.bind(vm, args, names)?;
        let (id, _) = channel_of(vm, bound.require(vm, 0)?)?;
        let sending = vm.is_true(bound.require(vm, 1)?)?;
        bound.finish(vm)?;
        let found = super::with_open(id, |channel| {
            if sending && channel.is_closing {
                return Err(Refusal::Closed);
            }
            let users = channel.users(if sending { End::Send } else { End::Receive });
            let all = interpreters::all();
            let ids = all.iter().map(|interpreter| interpreter.identity.id);
            Ok(ids.filter(|&id| users.find(id).is_some_and(|user| user.is_open)).collect::<Vec<i64>>())
        });
        let mut found = found.map_err(|refusal| refusal.error(vm, id))?;
        found.sort_unstable();
        Ok(List::from_vec(found.into_iter().map(int::new).collect()))
    }

    /// channel_send(cid, obj, *, blocking=True, timeout=None)
    ///
    /// Add the object's data to the channel's queue.
    /// By default this waits for the object to be received.
    #[function("send")]
    fn send(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        send(vm, &SEND, args, names, false)
    }

    /// channel_send_buffer(cid, obj, *, blocking=True, timeout=None)
    ///
    /// Add the object's buffer to the channel's queue.
    /// By default this waits for the object to be received.
    #[function("send_buffer")]
    fn send_buffer(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        send(vm, &SEND_BUFFER, args, names, true)
    }

    /// channel_recv(cid, [default]) -> (obj, unboundop)
    ///
    /// Return a new object from the data at the front of the channel's queue.
    ///
    /// If there is nothing to receive then raise ChannelEmptyError, unless
    /// a default value is provided.  In that case return it.
    #[function("recv")]
    fn receive(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = RECEIVE.bind(vm, args, names)?;
        let (id, _) = channel_of(vm, bound.require(vm, 0)?)?;
        bound.finish(vm)?;
        match (super::take(vm, id), bound.get(1)) {
            (Ok(item), _) => item.received(vm),
            (Err(Refusal::Empty), Some(default)) => {
                Ok(Tuple::from_values([default.clone(), none()]).into_value())
            }
            (Err(refusal), _) => Err(refusal.error(vm, id)),
        }
    }

    /// channel_close(cid, *, send=None, recv=None, force=False)
    ///
    /// Close the channel for all interpreters.
    ///
    /// A channel with nothing in it closes at once, whatever else is said; so does
    /// any other with force=True, and what is in it is lost. Without force, closing
    /// the sending end alone lets others receive what is left before the channel
    /// closes, and everything else raises ChannelNotEmptyError.
    ///
    /// A channel that is closed already raises ChannelClosedError.
    #[function("close")]
    fn close(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (id, send, receive, force) = closing(vm, &CLOSE, args, names)?;
        let end = match (send, receive) {
            (true, false) => Some(End::Send),
            (false, true) => Some(End::Receive),
            _ => None,
        };
        super::close(id, end, force).map_err(|refusal| refusal.error(vm, id))
    }

    /// channel_release(cid, *, send=None, recv=None, force=True)
    ///
    /// Close the channel for the current interpreter: the ends that 'send' and
    /// 'recv' name, or both.
    #[function("release")]
    fn release(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (id, send, receive, _) = closing(vm, &RELEASE, args, names)?;
        let ends: &[End] = match (send, receive) {
            (true, false) => &[End::Send],
            (false, true) => &[End::Receive],
            _ => &[End::Send, End::Receive],
        };
        super::release(vm, id, ends).map_err(|refusal| refusal.error(vm, id))
    }

    /// get_count(cid)
    ///
    /// Return the number of items in the channel.
    #[function("get_count")]
    fn get_count(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        let id = only_id(vm, &GET_COUNT, args, names)?;
        super::with_open(id, |channel| Ok(channel.items.len())).map_err(|refusal| refusal.error(vm, id))
    }

    /// get_info(cid)
    ///
    /// Return details about the channel.
    #[function("get_info")]
    fn get_info(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let id = only_id(vm, &GET_INFO, args, names)?;
        let interpreter = vm.interpreter.identity.id;
        let found = super::with_listed(id, |listed| match &listed.channel {
            Some(channel) if channel.is_open => {
                let (senders, receivers) = (&channel.senders, &channel.receivers);
                (numbers(channel), presence(senders, interpreter), presence(receivers, interpreter))
            }
            _ => (CLOSED, [false; 2], [false; 2]),
        });
        let (numbers, sending, receiving) = found.map_err(|refusal| refusal.error(vm, id))?;
        let (states, counts) = numbers.split_at(3);
        let mut fields: Vec<Value> = states.iter().map(|&state| boolean(state != 0)).collect();
        fields.extend(counts.iter().map(|&count| int::new(count)));
        fields.extend([sending, receiving].into_iter().flatten().map(boolean));
        Ok(structseq::new::<ChannelInfo>(fields))
    }

    /// get_channel_defaults(cid)
    ///
    /// Return the channel's default values, set when it was created.
    #[function("get_channel_defaults")]
    fn get_channel_defaults(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Tuple>> {
        let id = only_id(vm, &GET_DEFAULTS, args, names)?;
        let (unbound, fallback) = super::defaults(id).map_err(|refusal| refusal.error(vm, id))?;
        Ok(Tuple::from_values([int::new(unbound as i64), fallback_number(fallback)]))
    }

    #[function("_channel_id")]
    fn channel_id(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<ChannelId>> {
        let bound = CHANNEL_ID.bind(vm, args, names)?;
        let (id, own_end) = channel_of(vm, bound.require(vm, 0)?)?;
        let (send, receive) = (truth(vm, &bound, 1)?, truth(vm, &bound, 2)?);
        let force = truth(vm, &bound, 3)?.unwrap_or(false);
        let resolves = truth(vm, &bound, 4)?.unwrap_or(false);
        bound.finish(vm)?;
        let end = match (send, receive) {
            (Some(false), Some(false)) => {
                return Err(vm.value_error("'send' and 'recv' cannot both be False"));
            }
            (Some(true), Some(true)) => None,
            (Some(true), _) => Some(End::Send),
            (_, Some(true)) => Some(End::Receive),
            _ => own_end,
        };
        ChannelId::make(id, end, force, resolves).map_err(|refusal| refusal.error(vm, id))
    }

    #[function("_register_end_types")]
    fn register_end_types(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = REGISTER.bind(vm, args, names)?;
        let (send, receive) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        bound.finish(vm)?;
        let typ = |value: &Value, what: &str| -> PyResult<Ref<Type>> {
            let typ = value.downcast::<Type>().map(Object::to_ref);
            typ.ok_or_else(|| vm.type_error(format!("expected a type for '{what}'")))
        };
        identifier::register_ends(vm, &*typ(send, "send")?, &*typ(receive, "recv")?);
        Ok(())
    }
}

fn fallback_number(fallback: Fallback) -> Value {
    int::new(i64::from(fallback == Fallback::Full))
}
