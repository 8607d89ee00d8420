//! A state that threads share: long data is read without the interpreter's lock.

use std::sync::{Mutex, PoisonError, TryLockError};

use rspy_runtime::vm::Vm;

use super::state::State;
use crate::hashes::GIL_MINIMUM;

/// A state behind a lock of its own. Nobody waits for that one with the interpreter's lock in hand.
pub struct Shared(Mutex<State>);

impl Shared {
    /// A state for the use of several threads.
    pub fn new(state: State) -> Shared {
        Shared(Mutex::new(state))
    }

    /// Goes on with the message.
    pub fn update(&self, vm: &Vm, data: &[u8]) {
        if data.len() < GIL_MINIMUM as usize {
            self.with(vm, |state| state.update(data));
        } else {
            vm.allow_threads(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).update(data));
        }
    }

    /// The state as it is now.
    pub fn get(&self, vm: &Vm) -> State {
        self.with(vm, |state| state.clone())
    }

    fn with<R>(&self, vm: &Vm, run: impl FnOnce(&mut State) -> R) -> R {
        match self.0.try_lock() {
            Ok(mut state) => run(&mut state),
            Err(TryLockError::Poisoned(state)) => run(&mut state.into_inner()),
            Err(TryLockError::WouldBlock) => {
                vm.allow_threads(|| run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
            }
        }
    }
}

/// Goes on with the message of a state that nobody else knows of yet.
pub fn update_alone(vm: &Vm, state: &mut State, data: &[u8]) {
    if data.len() < GIL_MINIMUM as usize {
        state.update(data);
    } else {
        vm.allow_threads(|| state.update(data));
    }
}
