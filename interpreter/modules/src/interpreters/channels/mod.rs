//! `_interpchannels`: channels between interpreters, which have two ends and know who uses which.
//!
//! What channels are is here, [`identifier`] has the class that stands for them, [`functions`] the module's functions.

pub mod functions;
pub mod identifier;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::hierarchy::RuntimeError;
use rspy_runtime::exceptions::os_error::TimeoutError;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::interpreters;
use rspy_runtime::object::Payload;
use rspy_runtime::vm::Vm;

use super::crossing::Fallback;
use super::queues::{Item, Unbound, lose_items_of_the_gone};
use crate::support::exception;

exception! {
    #[doc = ""]
    ChannelError, "ChannelError", "_interpchannels", RuntimeError, weak
}

exception! {
    #[doc = ""]
    ChannelNotFoundError, "ChannelNotFoundError", "_interpchannels", ChannelError, weak
}

exception! {
    #[doc = ""]
    ChannelClosedError, "ChannelClosedError", "_interpchannels", ChannelError, weak
}

exception! {
    #[doc = ""]
    ChannelEmptyError, "ChannelEmptyError", "_interpchannels", ChannelError, weak
}

exception! {
    #[doc = ""]
    ChannelNotEmptyError, "ChannelNotEmptyError", "_interpchannels", ChannelError, weak
}

/// Why something cannot be done with a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no such channel.
    NotFound,
    /// It is closed.
    Closed,
    /// It was closed while somebody waited.
    ClosedMeanwhile,
    /// It is closed for this interpreter.
    ClosedHere,
    /// Nothing is in it.
    Empty,
    /// Something is in it.
    NotEmpty,
}

impl Refusal {
    /// The exception.
    #[cold]
    pub fn error(self, vm: &Vm, id: i64) -> Exception {
        match self {
            Refusal::NotFound => ChannelNotFoundError::error(vm, format!("channel {id} not found")),
            Refusal::Closed => ChannelClosedError::error(vm, format!("channel {id} is closed")),
            Refusal::ClosedMeanwhile => ChannelClosedError::error(vm, format!("channel {id} has closed")),
            Refusal::ClosedHere => ChannelClosedError::error(vm, format!("channel {id} is already closed")),
            Refusal::Empty => ChannelEmptyError::error(vm, format!("channel {id} is empty")),
            Refusal::NotEmpty => ChannelNotEmptyError::error(
                vm,
                format!("channel {id} may not be closed if not empty (try force=True)"),
            ),
        }
    }
}

/// An end of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Where things are put in.
    Send,
    /// Where they are taken out.
    Receive,
}

/// What became of something that somebody waits to be received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Open,
    Received,
    Lost,
}

/// Where a sender waits.
struct Waiting {
    fate: Mutex<Fate>,
    changed: Condvar,
}

/// How long waiting goes on before signals are looked after.
const PATIENCE: Duration = Duration::from_millis(50);

impl Waiting {
    fn fate(&self) -> Fate {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, fate: Fate) {
        let mut known = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == Fate::Open {
            *known = fate;
            self.changed.notify_all();
        }
    }

    fn wait(&self, patience: Duration) {
        let fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(fate, patience, |fate| *fate == Fate::Open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Tells who sent something what became of it. Whatever goes without having been received is lost.
pub struct Receipt(Arc<Waiting>);

impl Receipt {
    /// Tells that it was received.
    pub fn received(self) {
        self.0.decide(Fate::Received);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.0.decide(Fate::Lost);
    }
}

/// An interpreter at an end of a channel.
#[derive(Clone, Copy, Debug)]
struct User {
    interpreter: i64,
    is_open: bool,
}

/// The interpreters at an end, in the order in which they came.
#[derive(Default)]
struct Users {
    all: Vec<User>,
    /// How many of them use it. As in CPython, an end that is closed again counts down again.
    open: i64,
}

impl Users {
    fn find(&self, interpreter: i64) -> Option<User> {
        self.all.iter().copied().find(|user| user.interpreter == interpreter)
    }

    fn add(&mut self, interpreter: i64) {
        self.all.push(User { interpreter, is_open: true });
        self.open += 1;
    }

    /// Notes that an interpreter uses the end; it may have been closed for it.
    fn associate(&mut self, interpreter: i64) -> Result<(), Refusal> {
        match self.find(interpreter) {
            Some(user) if user.is_open => Ok(()),
            Some(_) => Err(Refusal::ClosedHere),
            None => {
                self.add(interpreter);
                Ok(())
            }
        }
    }

    fn release(&mut self, interpreter: i64) {
        if self.find(interpreter).is_none() {
            self.add(interpreter);
        }
        for user in self.all.iter_mut().filter(|user| user.interpreter == interpreter) {
            user.is_open = false;
            self.open -= 1;
        }
    }

    /// Closes the end for interpreters that have ended; answers whether there were any.
    fn release_the_gone(&mut self) -> bool {
        let mut found = false;
        for user in &mut self.all {
            if user.is_open && interpreters::find(user.interpreter).is_none() {
                user.is_open = false;
                self.open -= 1;
                found = true;
            }
        }
        found
    }
}

/// A channel.
struct Channel {
    unbound: Unbound,
    fallback: Fallback,
    is_open: bool,
    /// Whether it closes as soon as it is empty, and nothing more is put in.
    is_closing: bool,
    items: VecDeque<Item>,
    senders: Users,
    receivers: Users,
}

impl Channel {
    fn users(&mut self, end: End) -> &mut Users {
        match end {
            End::Send => &mut self.senders,
            End::Receive => &mut self.receivers,
        }
    }

    /// Whether somebody uses it, or nobody ever did.
    fn is_used(&self) -> bool {
        let (senders, receivers) = (&self.senders, &self.receivers);
        senders.open != 0 || receivers.open != 0 || senders.all.is_empty() && receivers.all.is_empty()
    }

    /// Lets go of what belonged to interpreters that have ended; answers what is to be dropped.
    fn forget_the_gone(&mut self) -> Vec<Item> {
        let gone = self.senders.release_the_gone() | self.receivers.release_the_gone();
        if gone {
            self.is_open &= self.is_used();
        }
        lose_items_of_the_gone(&mut self.items)
    }
}

/// A channel by its number.
struct Listed {
    id: i64,
    /// Nothing where it is closed for good.
    channel: Option<Channel>,
    /// How many objects stand for it.
    objects: usize,
}

/// The next number and the channels of the process, the newest last.
static CHANNELS: GilCell<(i64, Vec<Listed>)> = GilCell::new((0, Vec::new()));

/// Makes a channel; answers its number.
fn create(unbound: Unbound, fallback: Fallback) -> i64 {
    let mut channels = CHANNELS.borrow_mut();
    let id = channels.0;
    channels.0 += 1;
    let channel = Channel {
        unbound,
        fallback,
        is_open: true,
        is_closing: false,
        items: VecDeque::new(),
        senders: Users::default(),
        receivers: Users::default(),
    };
    channels.1.push(Listed { id, channel: Some(channel), objects: 0 });
    id
}

/// Works on what is listed under a number, after what came from interpreters that have ended was taken out.
fn with_listed<R>(id: i64, work: impl FnOnce(&mut Listed) -> R) -> Result<R, Refusal> {
    let mut lost = Vec::new();
    let result = {
        let mut channels = CHANNELS.borrow_mut();
        let listed = channels.1.iter_mut().find(|listed| listed.id == id);
        listed.map(|listed| {
            if let Some(channel) = &mut listed.channel {
                lost = channel.forget_the_gone();
            }
            work(listed)
        })
    };
    drop(lost);
    result.ok_or(Refusal::NotFound)
}

/// Works on a channel that is not closed.
fn with_open<R>(id: i64, work: impl FnOnce(&mut Channel) -> Result<R, Refusal>) -> Result<R, Refusal> {
    with_listed(id, |listed| match &mut listed.channel {
        Some(channel) if channel.is_open => work(channel),
        _ => Err(Refusal::Closed),
    })?
}

/// Forgets a channel; what was in it goes when the answer does.
fn take_out(id: i64) -> Option<Listed> {
    let mut channels = CHANNELS.borrow_mut();
    let place = channels.1.iter().position(|listed| listed.id == id)?;
    Some(channels.1.remove(place))
}

/// What happens with something put in by default.
fn defaults(id: i64) -> Result<(Unbound, Fallback), Refusal> {
    with_open(id, |channel| Ok((channel.unbound, channel.fallback)))
}

/// Whether something can be put in.
fn check_sending(id: i64) -> Result<(), Refusal> {
    with_open(id, |channel| if channel.is_closing { Err(Refusal::Closed) } else { Ok(()) })
}

/// Puts something in for the current interpreter.
fn put(vm: &Vm, id: i64, item: Item) -> Result<(), Refusal> {
    let interpreter = vm.interpreter.identity.id;
    let mut item = Some(item);
    let result = with_open(id, |channel| {
        channel.senders.associate(interpreter)?;
        channel.items.extend(item.take());
        Ok(())
    });
    // What was refused goes when nothing is borrowed.
    drop(item);
    result
}

/// Puts something in and waits until it is received.
fn put_and_wait(vm: &Vm, id: i64, item: Item, end: Option<Instant>) -> PyResult<()> {
    let waiting = Arc::new(Waiting { fate: Mutex::new(Fate::Open), changed: Condvar::new() });
    let item = item.with_receipt(Receipt(waiting.clone()));
    put(vm, id, item).map_err(|refusal| refusal.error(vm, id))?;
    loop {
        match waiting.fate() {
            Fate::Received => return Ok(()),
            Fate::Lost => return Err(Refusal::ClosedMeanwhile.error(vm, id)),
            Fate::Open => {}
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let interrupted = if left.is_some_and(|left| left.is_zero()) {
            Err(vm.new_exception(TimeoutError::static_type(), "timed out"))
        } else {
            vm.allow_threads(|| waiting.wait(left.map_or(PATIENCE, |left| left.min(PATIENCE))));
            vm.check_signals()
        };
        if let Err(error) = interrupted {
            // Nobody gets what is given up, unless somebody already did.
            drop(take_back(id, &waiting));
            return if waiting.fate() == Fate::Received { Ok(()) } else { Err(error) };
        }
    }
}

/// Takes out what somebody waited for, for good.
fn take_back(id: i64, waiting: &Arc<Waiting>) -> Option<Item> {
    let is_it = |item: &Item| item.receipt().is_some_and(|receipt| Arc::ptr_eq(&receipt.0, waiting));
    let taken = with_listed(id, |listed| {
        let channel = listed.channel.as_mut()?;
        let place = channel.items.iter().position(is_it)?;
        let item = channel.items.remove(place);
        Some((item, finished(listed)))
    });
    taken.ok().flatten().and_then(|(item, _)| item)
}

/// Takes something out for the current interpreter.
fn take(vm: &Vm, id: i64) -> Result<Item, Refusal> {
    let interpreter = vm.interpreter.identity.id;
    let (result, finished) = with_listed(id, |listed| {
        let result = match &mut listed.channel {
            Some(channel) if channel.is_open => channel
                .receivers
                .associate(interpreter)
                .and_then(|()| channel.items.pop_front().ok_or(Refusal::Empty)),
            _ => Err(Refusal::Closed),
        };
        (result, finished(listed))
    })?;
    drop(finished);
    result
}

/// The channel, if it was to be closed when it is empty, and is.
fn finished(listed: &mut Listed) -> Option<Channel> {
    listed.channel.take_if(|channel| channel.is_closing && channel.items.is_empty())
}

/// Closes a channel for everybody: at once where nothing is in it or with force. Where only the sending end is closed, what
/// is in it can still be received.
fn close(id: i64, end: Option<End>, force: bool) -> Result<(), Refusal> {
    let closed = with_listed(id, |listed| {
        let Some(channel) = &mut listed.channel else { return Err(Refusal::Closed) };
        let only_sending = end == Some(End::Send);
        if !channel.is_open || !force && only_sending && channel.is_closing {
            return Err(Refusal::Closed);
        }
        if force || channel.items.is_empty() {
            return Ok(listed.channel.take());
        }
        if !only_sending {
            return Err(Refusal::NotEmpty);
        }
        channel.is_closing = true;
        Ok(None)
    })??;
    drop(closed);
    Ok(())
}

/// Closes ends for the current interpreter.
fn release(vm: &Vm, id: i64, ends: &[End]) -> Result<(), Refusal> {
    let interpreter = vm.interpreter.identity.id;
    with_open(id, |channel| {
        for &end in ends {
            channel.users(end).release(interpreter);
        }
        channel.is_open = channel.is_used();
        Ok(())
    })
}
