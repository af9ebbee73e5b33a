//! Messages put together from fragments (PS3.7 §6.3, PS3.8 §E.2). A command and its data set may come
//! in any number of fragments and units; they may not be mixed.

use super::command::Command;
use super::pdu::{Fragment, PduError};

/// A message from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Presentation context on which it came.
    pub(super) context_id: u8,
    /// Command set.
    pub(super) command: Command,
    /// Data set as encoded; empty where none follows the command.
    pub(super) data_set: Vec<u8>,
}

/// Collects the fragments of one message at a time.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    context_id: Option<u8>,
    command_bytes: Vec<u8>,
    command: Option<Command>,
    data_set: Vec<u8>,
}

impl Assembler {
    /// Takes a fragment, and gives the message that it completes.
    pub(super) fn push(&mut self, fragment: &Fragment) -> Result<Option<Message>, PduError> {
        let context_id = *self.context_id.get_or_insert(fragment.context_id);
        if context_id != fragment.context_id {
            return Err(PduError("fragments of two presentation contexts mixed"));
        }
        match (&self.command, fragment.of_command) {
            (None, true) => {
                append(&mut self.command_bytes, &fragment.data, MAX_COMMAND_BYTES)?;
                if !fragment.is_last {
                    return Ok(None);
                }
                let command =
                    Command::parse(&self.command_bytes).map_err(|_detail| PduError("a malformed command set"))?;
                if command.has_data_set() {
                    self.command = Some(command);
                    return Ok(None);
                }
                Ok(Some(self.finish(context_id, command)))
            }
            (Some(_), false) => {
                append(&mut self.data_set, &fragment.data, MAX_DATA_SET_BYTES)?;
                match self.command.take_if(|_| fragment.is_last) {
                    Some(command) => Ok(Some(self.finish(context_id, command))),
                    None => Ok(None),
                }
            }
            (None, false) => Err(PduError("a data set without a command")),
            (Some(_), true) => Err(PduError("a command within a data set")),
        }
    }

    fn finish(&mut self, context_id: u8, command: Command) -> Message {
        let Self { data_set, .. } = std::mem::take(self);
        Message { context_id, command, data_set }
    }
}

fn append(to: &mut Vec<u8>, data: &[u8], limit: usize) -> Result<(), PduError> {
    if to.len() + data.len() > limit {
        return Err(PduError("a message that is too long"));
    }
    to.extend_from_slice(data);
    Ok(())
}

/// Greatest length of a command set; the largest that the standard defines stays below 1 KiB.
const MAX_COMMAND_BYTES: usize = 64 << 10;
/// Greatest length of the data set of a response to a storage request, which has none by the standard.
const MAX_DATA_SET_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::remote::dimse::command::element;

    fn fragment(of_command: bool, is_last: bool, data: &[u8]) -> Fragment {
        Fragment { context_id: 1, of_command, is_last, data: Bytes::copy_from_slice(data) }
    }

    #[test]
    fn a_command_in_pieces_of_one_byte_is_put_together() {
        let bytes = Command::echo_request(3).to_bytes();
        let mut assembler = Assembler::default();
        for (index, byte) in bytes.iter().enumerate() {
            let message = assembler.push(&fragment(true, index + 1 == bytes.len(), &[*byte])).expect("fits");
            assert_eq!(message.is_some(), index + 1 == bytes.len());
        }
        let again = assembler.push(&fragment(true, true, &bytes)).expect("fits").expect("complete");
        assert_eq!(again.command.u16(element::MESSAGE_ID), Some(3));
    }

    #[test]
    fn a_data_set_follows_its_command_and_nothing_else() {
        let command = Command::echo_request(3).with_u16(element::STATUS, 0).to_bytes();
        let with_data = {
            let class = crate::base::Uid::parse("1.2").expect("valid");
            Command::store_request(1, &class, &class).to_bytes()
        };
        assert!(Assembler::default().push(&fragment(false, true, b"x")).is_err());
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&fragment(true, true, &with_data)), Ok(None));
        assert!(assembler.push(&fragment(true, true, &command)).is_err());
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&fragment(true, true, &with_data)), Ok(None));
        assert_eq!(assembler.push(&fragment(false, false, b"ab")), Ok(None));
        let message = assembler.push(&fragment(false, true, b"c")).expect("fits").expect("complete");
        assert_eq!(message.data_set, b"abc");
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let mut assembler = Assembler::default();
        let piece = fragment(true, false, &vec![0; 32 << 10]);
        assert_eq!(assembler.push(&piece), Ok(None));
        assert_eq!(assembler.push(&piece), Ok(None));
        assert!(assembler.push(&piece).is_err());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_message(size in 1usize..40) {
            let bytes = Command::echo_request(9).to_bytes();
            let mut assembler = Assembler::default();
            let pieces: Vec<_> = bytes.chunks(size).collect();
            let mut message = None;
            for (index, piece) in pieces.iter().enumerate() {
                message = assembler.push(&fragment(true, index + 1 == pieces.len(), piece)).expect("fits");
            }
            prop_assert_eq!(message.map(|message| message.command), Some(Command::parse(&bytes).expect("reads")));
        }
    }
}
