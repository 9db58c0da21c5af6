//! The memory of one level of nesting: who may hold how much, and which nested archives wait for their turn.
//!
//! Only the walking thread waits here, so that no two can wait for each other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::container::Nested;
use super::walk::CHUNK;

/// The memory of one level of nesting: what is admitted, and the nested archives that wait for their turn.
pub struct Level<'m> {
    limit: u64,
    state: Mutex<LevelState<'m>>,
    changed: Condvar,
}

struct LevelState<'m> {
    /// Bytes of admitted entries, handed-back ones included.
    held: u64,
    /// Admitted entries that are still worked on.
    running: usize,
    nested: Vec<(Nested<'m>, u64)>,
    /// Whether the walking thread waits to admit an entry.
    awaits_room: bool,
}

/// The right to hold an entry's bytes; given back when dropped.
pub struct Permit<'l, 'm> {
    level: &'l Level<'m>,
    bytes: u64,
    running: bool,
}

pub enum Admission<'l, 'm> {
    Granted(Permit<'l, 'm>),
    /// There is no room, but a nested archive can be walked to make some.
    NestedFirst(Nested<'m>, Permit<'l, 'm>),
}

impl<'m> Level<'m> {
    pub fn new(limit: u64) -> Self {
        Level {
            limit,
            state: Mutex::new(LevelState {
                held: 0,
                running: 0,
                nested: Vec::new(),
                awaits_room: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, LevelState<'m>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room. An entry larger than the level is never held whole, only streamed.
    pub fn admit(&self, size: u64) -> Admission<'_, 'm> {
        let bytes = if size > self.limit {
            CHUNK as u64
        } else {
            size
        };
        let mut state = self.state();
        loop {
            // One entry alone is always admitted, however little memory there is: it is streamed.
            if state.held == 0 || state.held + bytes <= self.limit {
                state.held += bytes;
                state.running += 1;
                return Admission::Granted(self.permit(bytes, true));
            }
            if let Some((nested, bytes)) = state.nested.pop() {
                return Admission::NestedFirst(nested, self.permit(bytes, false));
            }
            state.awaits_room = true;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.awaits_room = false;
        }
    }

    fn permit(&self, bytes: u64, running: bool) -> Permit<'_, 'm> {
        Permit {
            level: self,
            bytes,
            running,
        }
    }

    /// Keeps a nested archive, and its part of what the permit holds, until the walking thread takes it.
    pub fn hand_back(&self, nested: Nested<'m>, permit: &mut Permit<'_, 'm>) {
        let bytes = match &nested {
            Nested::Zip(_, bytes) | Nested::Script(_, bytes) => {
                (bytes.len() as u64).min(permit.bytes)
            }
            Nested::Reopen(..) => 0,
        };
        permit.bytes -= bytes;
        self.state().nested.push((nested, bytes));
        self.changed.notify_all();
    }

    /// The next nested archive, once there is one; none when all workers are done.
    pub fn next_nested(&self) -> Option<(Nested<'m>, Permit<'_, 'm>)> {
        let mut state = self.state();
        loop {
            if let Some((nested, bytes)) = state.nested.pop() {
                return Some((nested, self.permit(bytes, false)));
            }
            if state.running == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Permit<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.level.state();
        state.held -= self.bytes;
        if self.running {
            state.running -= 1;
        }
        // The walking thread waits for room, or for the last worker; nothing else is worth waking it for.
        if state.awaits_room || state.running == 0 {
            self.level.changed.notify_all();
        }
    }
}
