//! Messages put together from fragments (PS3.7 §6.3, PS3.8 §E.2). A command and its data set may come
//! in any number of fragments and units; they may not be mixed. Commands are gathered, which are short; a
//! data set is handed on piece by piece.

use bytes::Bytes;

use super::command::Command;
use super::pdu::{Fragment, PduError};

/// What a fragment brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command that is complete; its data set, if it has one, follows.
    Command {
        /// Presentation context on which it came.
        context_id: u8,
        /// Command set.
        command: Command,
    },
    /// A piece of the data set of the last command.
    Data {
        /// The piece; it may be empty.
        bytes: Bytes,
        /// Whether it is the last one.
        is_last: bool,
    },
}

/// Turns fragments into events, one message at a time.
#[derive(Debug, Default)]
pub struct Assembler {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Between messages.
    #[default]
    Idle,
    /// Within a command.
    Command { context_id: u8, bytes: Vec<u8> },
    /// Within a data set.
    Data { context_id: u8 },
}

/// A message that was gathered: for answers, whose data sets are short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Presentation context on which it came.
    pub context_id: u8,
    /// Command set.
    pub command: Command,
    /// Data set as encoded; empty where none follows the command.
    pub data_set: Vec<u8>,
}

impl Assembler {
    /// Takes a fragment. `None` means that more of a command is to come.
    pub fn push(&mut self, fragment: Fragment) -> Result<Option<Event>, PduError> {
        let Fragment { context_id, of_command, is_last, data } = fragment;
        match &mut self.state {
            State::Data { context_id: expected } => {
                if *expected != context_id {
                    return Err(MIXED);
                }
                if of_command {
                    return Err(PduError::unexpected("a command within a data set"));
                }
                if is_last {
                    self.state = State::Idle;
                }
                Ok(Some(Event::Data { bytes: data, is_last }))
            }
            State::Idle if of_command => {
                self.state = State::Command { context_id, bytes: Vec::new() };
                self.of_command(context_id, &data, is_last)
            }
            State::Command { .. } if of_command => self.of_command(context_id, &data, is_last),
            State::Idle | State::Command { .. } => Err(PduError::unexpected("a data set without a command")),
        }
    }

    fn of_command(&mut self, from: u8, data: &[u8], is_last: bool) -> Result<Option<Event>, PduError> {
        let State::Command { context_id, bytes } = &mut self.state else { return Ok(None) };
        if *context_id != from {
            return Err(MIXED);
        }
        if bytes.len() + data.len() > MAX_COMMAND_BYTES {
            return Err(PduError::invalid("a command that is too long"));
        }
        bytes.extend_from_slice(data);
        if !is_last {
            return Ok(None);
        }
        let context_id = *context_id;
        let command = Command::parse(bytes).map_err(|_detail| PduError::invalid("a malformed command set"))?;
        self.state = if command.has_data_set() { State::Data { context_id } } else { State::Idle };
        Ok(Some(Event::Command { context_id, command }))
    }

    /// Whether a message has begun and not ended.
    pub fn is_within_message(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}

/// Greatest length of a command set; the largest that the standard defines stays below 1 KiB.
const MAX_COMMAND_BYTES: usize = 64 << 10;
const MIXED: PduError = PduError::unexpected("fragments of two presentation contexts mixed");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::command::element;
    use super::*;
    use crate::base::Uid;

    fn fragment(of_command: bool, is_last: bool, data: &[u8]) -> Fragment {
        Fragment { context_id: 1, of_command, is_last, data: Bytes::copy_from_slice(data) }
    }

    /// Gathers whole messages.
    #[derive(Default)]
    struct Gathering {
        assembler: Assembler,
        begun: Option<Message>,
    }

    impl Gathering {
        fn push(&mut self, fragment: Fragment) -> Result<Option<Message>, PduError> {
            match self.assembler.push(fragment)? {
                None => Ok(None),
                Some(Event::Command { context_id, command }) => {
                    let has_data_set = command.has_data_set();
                    let message = Message { context_id, command, data_set: Vec::new() };
                    if has_data_set {
                        self.begun = Some(message);
                        return Ok(None);
                    }
                    Ok(Some(message))
                }
                Some(Event::Data { bytes, is_last }) => {
                    self.begun.as_mut().expect("a command came first").data_set.extend_from_slice(&bytes);
                    Ok(if is_last { self.begun.take() } else { None })
                }
            }
        }
    }

    fn store() -> Command {
        let class = Uid::parse("1.2").expect("valid");
        Command::store_request(1, &class, &class)
    }

    #[test]
    fn a_command_in_pieces_of_one_byte_is_put_together() {
        let bytes = Command::echo_request(3).to_bytes();
        let mut assembler = Gathering::default();
        for (index, byte) in bytes.iter().enumerate() {
            let message = assembler.push(fragment(true, index + 1 == bytes.len(), &[*byte])).expect("fits");
            assert_eq!(message.is_some(), index + 1 == bytes.len());
        }
        let again = assembler.push(fragment(true, true, &bytes)).expect("fits").expect("complete");
        assert_eq!(again.command.u16(element::MESSAGE_ID), Some(3));
    }

    #[test]
    fn a_data_set_follows_its_command_and_nothing_else() {
        let with_data = store().to_bytes();
        assert!(Gathering::default().push(fragment(false, true, b"x")).is_err());
        let mut assembler = Gathering::default();
        assert_eq!(assembler.push(fragment(true, true, &with_data)), Ok(None));
        assert!(assembler.push(fragment(true, true, &with_data)).is_err());
        let mut assembler = Gathering::default();
        assert_eq!(assembler.push(fragment(true, true, &with_data)), Ok(None));
        assert_eq!(assembler.push(fragment(false, false, b"ab")), Ok(None));
        let message = assembler.push(fragment(false, true, b"c")).expect("fits").expect("complete");
        assert_eq!(message.data_set, b"abc");
    }

    #[test]
    fn contexts_are_not_mixed_within_a_message() {
        let with_data = store().to_bytes();
        let mut assembler = Assembler::default();
        assembler.push(fragment(true, true, &with_data)).expect("a command");
        assert!(assembler.is_within_message());
        let other = Fragment { context_id: 3, ..fragment(false, true, b"x") };
        assert_eq!(assembler.push(other), Err(MIXED));
    }

    #[test]
    fn a_command_without_end_is_refused() {
        let mut assembler = Assembler::default();
        let piece = fragment(true, false, &vec![0; 32 << 10]);
        assert_eq!(assembler.push(piece.clone()), Ok(None));
        assert_eq!(assembler.push(piece.clone()), Ok(None));
        assert!(assembler.push(piece).is_err());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_message(
            of_command in 1usize..40,
            of_data in 1usize..40,
            data in proptest::collection::vec(any::<u8>(), 1..200),
        ) {
            let bytes = store().to_bytes();
            let mut assembler = Gathering::default();
            let command = bytes.chunks(of_command).map(|piece| (true, piece));
            let commands = bytes.len().div_ceil(of_command);
            let datas = data.len().div_ceil(of_data);
            let mut message = None;
            for (index, (of_command, piece)) in command.chain(data.chunks(of_data).map(|piece| (false, piece))).enumerate() {
                prop_assert!(message.is_none());
                let is_last = index + 1 == commands || index + 1 == commands + datas;
                message = assembler.push(fragment(of_command, is_last, piece)).expect("fits");
            }
            let message = message.expect("complete");
            prop_assert_eq!((message.command, message.data_set), (Command::parse(&bytes).expect("reads"), data));
        }
    }
}
