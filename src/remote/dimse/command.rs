//! Command sets: group 0000 in Implicit VR Little Endian (PS3.7 §6.3.1, §E.1).

use crate::base::Uid;

/// A command set: its elements by number, ascending, without the group length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    elements: Vec<(u16, Vec<u8>)>,
}

/// Why bytes are not a command set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("command set is malformed at byte {0}")]
pub(super) struct CommandError(usize);

impl Command {
    /// A C-ECHO request. PS3.7 §9.3.5.1.
    pub(super) fn echo_request(message_id: u16) -> Self {
        Self::default()
            .with_uid(element::AFFECTED_SOP_CLASS, VERIFICATION)
            .with_u16(element::COMMAND_FIELD, field::C_ECHO_RQ)
            .with_u16(element::MESSAGE_ID, message_id)
            .with_u16(element::DATA_SET_TYPE, NO_DATA_SET)
    }

    /// A C-STORE request of medium priority. PS3.7 §9.3.1.1.
    pub(super) fn store_request(message_id: u16, sop_class_uid: &Uid, sop_instance_uid: &Uid) -> Self {
        Self::default()
            .with_uid(element::AFFECTED_SOP_CLASS, sop_class_uid.as_str())
            .with_u16(element::COMMAND_FIELD, field::C_STORE_RQ)
            .with_u16(element::MESSAGE_ID, message_id)
            .with_u16(element::PRIORITY, 0)
            .with_u16(element::DATA_SET_TYPE, DATA_SET_FOLLOWS)
            .with_uid(element::AFFECTED_SOP_INSTANCE, sop_instance_uid.as_str())
    }

    /// Reads a command set. The group length is not trusted, and elements may come in any order, but
    /// once each.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
        let mut command = Self::default();
        let mut at = 0;
        while at < bytes.len() {
            let malformed = CommandError(at);
            let header = bytes.get(at..at + 8).ok_or(malformed)?;
            let (tag, length) = header.split_at_checked(4).ok_or(malformed)?;
            let [0, 0, low, high] = *tag else { return Err(malformed) };
            let number = u16::from_le_bytes([low, high]);
            let length = u32::from_le_bytes(length.try_into().map_err(|_slice| malformed)?);
            let length = usize::try_from(length).map_err(|_overflow| malformed)?;
            let value_at = at + 8;
            let end = value_at.checked_add(length).ok_or(malformed)?;
            let value = bytes.get(value_at..end).ok_or(malformed)?;
            if command.value(number).is_some() {
                return Err(malformed);
            }
            if number != 0 {
                command = command.with(number, value.to_vec());
            }
            at = end;
        }
        Ok(command)
    }

    /// The encoded command set, group length first.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        for (number, value) in &self.elements {
            write_element(&mut body, *number, value);
        }
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(body.len() + 12);
        write_element(&mut out, 0, &length.to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    /// The first value of a US element.
    pub(super) fn u16(&self, number: u16) -> Option<u16> {
        let value = self.value(number)?.get(..2)?;
        Some(u16::from_le_bytes(value.try_into().ok()?))
    }

    /// A text element without its padding; bytes beyond ASCII become replacement characters.
    pub(super) fn text(&self, number: u16) -> Option<String> {
        let text = String::from_utf8_lossy(self.value(number)?);
        Some(text.trim_matches(['\0', ' ']).to_owned())
    }

    /// Whether a data set follows the command. PS3.7 §E.1, (0000,0800).
    pub(super) fn has_data_set(&self) -> bool {
        self.u16(element::DATA_SET_TYPE).is_some_and(|value| value != NO_DATA_SET)
    }

    fn value(&self, number: u16) -> Option<&[u8]> {
        self.elements.iter().find(|(other, _)| *other == number).map(|(_, value)| value.as_slice())
    }

    /// This command set with a US element.
    pub(super) fn with_u16(self, number: u16, value: u16) -> Self {
        self.with(number, value.to_le_bytes().to_vec())
    }

    /// This command set with a UI element, padded with NUL to an even length.
    pub(super) fn with_uid(self, number: u16, uid: &str) -> Self {
        let mut value = uid.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(0);
        }
        self.with(number, value)
    }

    fn with(mut self, number: u16, value: Vec<u8>) -> Self {
        let at = self.elements.partition_point(|(other, _)| *other < number);
        self.elements.insert(at, (number, value));
        self
    }
}

fn write_element(out: &mut Vec<u8>, number: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}

/// Element numbers of group 0000.
pub(super) mod element {
    /// Affected SOP Class UID.
    pub(crate) const AFFECTED_SOP_CLASS: u16 = 0x0002;
    /// Command Field.
    pub(crate) const COMMAND_FIELD: u16 = 0x0100;
    /// Message ID.
    pub(crate) const MESSAGE_ID: u16 = 0x0110;
    /// Message ID Being Responded To.
    pub(crate) const RESPONDED_MESSAGE_ID: u16 = 0x0120;
    /// Priority.
    pub(crate) const PRIORITY: u16 = 0x0700;
    /// Command Data Set Type.
    pub(crate) const DATA_SET_TYPE: u16 = 0x0800;
    /// Status.
    pub(crate) const STATUS: u16 = 0x0900;
    /// Error Comment.
    pub(crate) const ERROR_COMMENT: u16 = 0x0902;
    /// Affected SOP Instance UID.
    pub(crate) const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
}

/// Values of the Command Field.
pub(super) mod field {
    /// C-STORE request.
    pub(crate) const C_STORE_RQ: u16 = 0x0001;
    /// C-STORE response.
    pub(crate) const C_STORE_RSP: u16 = 0x8001;
    /// C-ECHO request.
    pub(crate) const C_ECHO_RQ: u16 = 0x0030;
    /// C-ECHO response.
    pub(crate) const C_ECHO_RSP: u16 = 0x8030;
}

/// Verification SOP Class.
pub(super) const VERIFICATION: &str = "1.2.840.10008.1.1";
const NO_DATA_SET: u16 = 0x0101;
const DATA_SET_FOLLOWS: u16 = 0x0001;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_store_request_is_what_ps3_7_says() {
        let class = Uid::parse("1.2.840.10008.5.1.4.1.1.88.11").expect("valid");
        let instance = Uid::parse("1.2.3").expect("valid");
        let bytes = Command::store_request(7, &class, &instance).to_bytes();
        assert_eq!(bytes.len() % 2, 0);
        let length = u32::from_le_bytes(bytes[8..12].try_into().expect("4 bytes"));
        assert_eq!(usize::try_from(length), Ok(bytes.len() - 12));
        let read = Command::parse(&bytes).expect("reads");
        assert_eq!(read.u16(element::COMMAND_FIELD), Some(field::C_STORE_RQ));
        assert_eq!(read.u16(element::MESSAGE_ID), Some(7));
        assert_eq!(read.text(element::AFFECTED_SOP_INSTANCE).as_deref(), Some("1.2.3"));
        assert!(read.has_data_set());
        assert!(!Command::parse(&Command::echo_request(1).to_bytes()).expect("reads").has_data_set());
    }

    #[test]
    fn elements_that_come_twice_or_belong_to_another_group_are_refused() {
        let mut twice = Vec::new();
        write_element(&mut twice, 0x0100, &[1, 0]);
        write_element(&mut twice, 0x0100, &[1, 0]);
        assert_eq!(Command::parse(&twice), Err(CommandError(10)));
        assert_eq!(Command::parse(&[8, 0, 0, 0, 0, 0, 0, 0]), Err(CommandError(0)));
        assert_eq!(Command::parse(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]), Err(CommandError(0)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(command) = Command::parse(&bytes) {
                prop_assert_eq!(Command::parse(&command.to_bytes()), Ok(command));
            }
        }
    }
}
