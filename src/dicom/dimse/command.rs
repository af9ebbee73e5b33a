//! Command sets: group 0000 in Implicit VR Little Endian (PS3.7 §6.3.1, §E.1).

use crate::base::{AeTitle, Uid};

use super::service::VERIFICATION;

/// A command set: its elements by number, ascending, without the group length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    elements: Vec<(u16, Vec<u8>)>,
}

/// How the sub-operations of a retrieval went. PS3.4 §C.4.2.1.6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Suboperations {
    /// Those that are still to do; told while there may be some.
    pub remaining: Option<u16>,
    /// Those that succeeded.
    pub completed: u16,
    /// Those that failed.
    pub failed: u16,
    /// Those that succeeded with a warning.
    pub warning: u16,
}

/// Why bytes are not a command set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("command set is malformed at byte {0}")]
pub struct CommandError(usize);

impl Command {
    /// A C-ECHO request. PS3.7 §9.3.5.1.
    pub fn echo_request(message_id: u16) -> Self {
        Self::request(field::C_ECHO_RQ, message_id, VERIFICATION, false)
    }

    /// A C-STORE request of medium priority. PS3.7 §9.3.1.1.
    pub fn store_request(message_id: u16, sop_class_uid: &Uid, sop_instance_uid: &Uid) -> Self {
        Self::request(field::C_STORE_RQ, message_id, sop_class_uid.as_str(), true)
            .with_u16(element::PRIORITY, 0)
            .with_uid(element::AFFECTED_SOP_INSTANCE, sop_instance_uid.as_str())
    }

    /// A C-FIND, C-GET or, with a destination, C-MOVE request of medium priority. PS3.7 §9.3.2.1, §9.3.3.1,
    /// §9.3.4.1.
    pub fn query_request(field: u16, message_id: u16, sop_class_uid: &str, destination: Option<&AeTitle>) -> Self {
        let command = Self::request(field, message_id, sop_class_uid, true).with_u16(element::PRIORITY, 0);
        match destination {
            Some(title) => command.with_text(element::MOVE_DESTINATION, title.as_str()),
            None => command,
        }
    }

    /// A C-CANCEL request for an operation that was asked for with `message_id`. PS3.7 §9.3.2.3.
    pub fn cancel_request(message_id: u16) -> Self {
        Self::default()
            .with_u16(element::COMMAND_FIELD, field::C_CANCEL_RQ)
            .with_u16(element::RESPONDED_MESSAGE_ID, message_id)
            .with_u16(element::DATA_SET_TYPE, NO_DATA_SET)
    }

    /// An N-EVENT-REPORT request. PS3.7 §10.3.1.1.
    pub fn event_report_request(message_id: u16, sop_class_uid: &str, sop_instance_uid: &str, event: u16) -> Self {
        Self::request(field::N_EVENT_REPORT_RQ, message_id, sop_class_uid, true)
            .with_uid(element::AFFECTED_SOP_INSTANCE, sop_instance_uid)
            .with_u16(element::EVENT_TYPE, event)
    }

    /// An N-ACTION request. PS3.7 §10.3.4.1.
    pub fn action_request(message_id: u16, sop_class_uid: &str, sop_instance_uid: &str, action: u16) -> Self {
        Self::default()
            .with_u16(element::COMMAND_FIELD, field::N_ACTION_RQ)
            .with_u16(element::MESSAGE_ID, message_id)
            .with_u16(element::DATA_SET_TYPE, DATA_SET_FOLLOWS)
            .with_uid(element::REQUESTED_SOP_CLASS, sop_class_uid)
            .with_uid(element::REQUESTED_SOP_INSTANCE, sop_instance_uid)
            .with_u16(element::ACTION_TYPE, action)
    }

    fn request(field: u16, message_id: u16, sop_class_uid: &str, has_data_set: bool) -> Self {
        Self::default()
            .with_uid(element::AFFECTED_SOP_CLASS, sop_class_uid)
            .with_u16(element::COMMAND_FIELD, field)
            .with_u16(element::MESSAGE_ID, message_id)
            .with_u16(element::DATA_SET_TYPE, if has_data_set { DATA_SET_FOLLOWS } else { NO_DATA_SET })
    }

    /// The response to this request, without a data set: its SOP class, SOP instance, event and action are
    /// those of the request. PS3.7 §9.3, §10.3.
    #[must_use]
    pub fn response(&self, status: u16) -> Self {
        let mut response = Self::default()
            .with_u16(element::COMMAND_FIELD, self.u16(element::COMMAND_FIELD).unwrap_or_default() | field::RESPONSE)
            .with_u16(element::RESPONDED_MESSAGE_ID, self.u16(element::MESSAGE_ID).unwrap_or_default())
            .with_u16(element::DATA_SET_TYPE, NO_DATA_SET)
            .with_u16(element::STATUS, status);
        for (of_request, of_response) in [
            (element::AFFECTED_SOP_CLASS, element::AFFECTED_SOP_CLASS),
            (element::REQUESTED_SOP_CLASS, element::AFFECTED_SOP_CLASS),
            (element::AFFECTED_SOP_INSTANCE, element::AFFECTED_SOP_INSTANCE),
            (element::REQUESTED_SOP_INSTANCE, element::AFFECTED_SOP_INSTANCE),
            (element::EVENT_TYPE, element::EVENT_TYPE),
            (element::ACTION_TYPE, element::ACTION_TYPE),
        ] {
            if let Some(value) = self.value(of_request)
                && response.value(of_response).is_none()
            {
                response = response.with(of_response, value.to_vec());
            }
        }
        response
    }

    /// This command set, with a data set behind it.
    #[must_use]
    pub fn followed_by_data_set(mut self) -> Self {
        self.elements.retain(|(number, _)| *number != element::DATA_SET_TYPE);
        self.with_u16(element::DATA_SET_TYPE, DATA_SET_FOLLOWS)
    }

    /// This command set with an Error Comment, cut to the length of a LO. PS3.7 §C.
    #[must_use]
    pub fn with_comment(self, comment: &str) -> Self {
        let letters: String = comment
            .chars()
            .filter(|letter| letter.is_ascii() && !letter.is_ascii_control() && *letter != '\\')
            .take(64)
            .collect();
        if letters.is_empty() { self } else { self.with_text(element::ERROR_COMMENT, &letters) }
    }

    /// This command set with counts of sub-operations; those that remain are told while they do. PS3.7
    /// §9.3.3.2, §9.3.4.2.
    #[must_use]
    pub fn with_suboperations(self, counts: Suboperations) -> Self {
        let command = match counts.remaining {
            Some(remaining) => self.with_u16(element::REMAINING_SUBOPERATIONS, remaining),
            None => self,
        };
        command
            .with_u16(element::COMPLETED_SUBOPERATIONS, counts.completed)
            .with_u16(element::FAILED_SUBOPERATIONS, counts.failed)
            .with_u16(element::WARNING_SUBOPERATIONS, counts.warning)
    }

    /// The counts of sub-operations that a response gives.
    pub fn suboperations(&self) -> Suboperations {
        Suboperations {
            remaining: self.u16(element::REMAINING_SUBOPERATIONS),
            completed: self.u16(element::COMPLETED_SUBOPERATIONS).unwrap_or_default(),
            failed: self.u16(element::FAILED_SUBOPERATIONS).unwrap_or_default(),
            warning: self.u16(element::WARNING_SUBOPERATIONS).unwrap_or_default(),
        }
    }

    /// Reads a command set. The group length is not trusted, and elements may come in any order, but
    /// once each.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
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
    pub fn to_bytes(&self) -> Vec<u8> {
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
    pub fn u16(&self, number: u16) -> Option<u16> {
        let value = self.value(number)?.get(..2)?;
        Some(u16::from_le_bytes(value.try_into().ok()?))
    }

    /// A text element without its padding; bytes beyond ASCII become replacement characters.
    pub fn text(&self, number: u16) -> Option<String> {
        let text = String::from_utf8_lossy(self.value(number)?);
        Some(text.trim_matches(['\0', ' ']).to_owned())
    }

    /// The Command Field.
    pub fn field(&self) -> Option<u16> {
        self.u16(element::COMMAND_FIELD)
    }

    /// The UID of an element, if it is one.
    pub fn uid(&self, number: u16) -> Option<Uid> {
        Uid::parse(&self.text(number)?).ok()
    }

    /// Whether a data set follows the command. PS3.7 §E.1, (0000,0800).
    pub fn has_data_set(&self) -> bool {
        self.u16(element::DATA_SET_TYPE).is_some_and(|value| value != NO_DATA_SET)
    }

    fn value(&self, number: u16) -> Option<&[u8]> {
        self.elements.iter().find(|(other, _)| *other == number).map(|(_, value)| value.as_slice())
    }

    /// This command set with a US element.
    #[must_use]
    pub fn with_u16(self, number: u16, value: u16) -> Self {
        self.with(number, value.to_le_bytes().to_vec())
    }

    /// This command set with a UI element, padded with NUL to an even length.
    #[must_use]
    pub fn with_uid(self, number: u16, uid: &str) -> Self {
        self.with_padded(number, uid, 0)
    }

    /// This command set with an AE or LO element, padded with a space to an even length.
    #[must_use]
    pub fn with_text(self, number: u16, text: &str) -> Self {
        self.with_padded(number, text, b' ')
    }

    fn with_padded(self, number: u16, text: &str, padding: u8) -> Self {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(padding);
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

/// Element numbers of group 0000. PS3.7 §E.1.
pub mod element {
    /// Affected SOP Class UID.
    pub const AFFECTED_SOP_CLASS: u16 = 0x0002;
    /// Requested SOP Class UID.
    pub const REQUESTED_SOP_CLASS: u16 = 0x0003;
    /// Command Field.
    pub const COMMAND_FIELD: u16 = 0x0100;
    /// Message ID.
    pub const MESSAGE_ID: u16 = 0x0110;
    /// Message ID Being Responded To.
    pub const RESPONDED_MESSAGE_ID: u16 = 0x0120;
    /// Move Destination.
    pub const MOVE_DESTINATION: u16 = 0x0600;
    /// Priority.
    pub const PRIORITY: u16 = 0x0700;
    /// Command Data Set Type.
    pub const DATA_SET_TYPE: u16 = 0x0800;
    /// Status.
    pub const STATUS: u16 = 0x0900;
    /// Error Comment.
    pub const ERROR_COMMENT: u16 = 0x0902;
    /// Affected SOP Instance UID.
    pub const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
    /// Requested SOP Instance UID.
    pub const REQUESTED_SOP_INSTANCE: u16 = 0x1001;
    /// Event Type ID.
    pub const EVENT_TYPE: u16 = 0x1002;
    /// Action Type ID.
    pub const ACTION_TYPE: u16 = 0x1008;
    /// Number of Remaining Sub-operations.
    pub const REMAINING_SUBOPERATIONS: u16 = 0x1020;
    /// Number of Completed Sub-operations.
    pub const COMPLETED_SUBOPERATIONS: u16 = 0x1021;
    /// Number of Failed Sub-operations.
    pub const FAILED_SUBOPERATIONS: u16 = 0x1022;
    /// Number of Warning Sub-operations.
    pub const WARNING_SUBOPERATIONS: u16 = 0x1023;
    /// Move Originator Application Entity Title.
    pub const MOVE_ORIGINATOR: u16 = 0x1030;
    /// Move Originator Message ID.
    pub const MOVE_ORIGINATOR_MESSAGE_ID: u16 = 0x1031;
}

/// Values of the Command Field. PS3.7 §E.1.
pub mod field {
    /// The bit that responses have and requests have not.
    pub const RESPONSE: u16 = 0x8000;
    /// C-STORE request.
    pub const C_STORE_RQ: u16 = 0x0001;
    /// C-STORE response.
    pub const C_STORE_RSP: u16 = 0x8001;
    /// C-GET request.
    pub const C_GET_RQ: u16 = 0x0010;
    /// C-GET response.
    pub const C_GET_RSP: u16 = 0x8010;
    /// C-FIND request.
    pub const C_FIND_RQ: u16 = 0x0020;
    /// C-FIND response.
    pub const C_FIND_RSP: u16 = 0x8020;
    /// C-MOVE request.
    pub const C_MOVE_RQ: u16 = 0x0021;
    /// C-MOVE response.
    pub const C_MOVE_RSP: u16 = 0x8021;
    /// C-ECHO request.
    pub const C_ECHO_RQ: u16 = 0x0030;
    /// C-ECHO response.
    pub const C_ECHO_RSP: u16 = 0x8030;
    /// C-CANCEL request.
    pub const C_CANCEL_RQ: u16 = 0x0FFF;
    /// N-EVENT-REPORT request.
    pub const N_EVENT_REPORT_RQ: u16 = 0x0100;
    /// N-EVENT-REPORT response.
    pub const N_EVENT_REPORT_RSP: u16 = 0x8100;
    /// N-ACTION request.
    pub const N_ACTION_RQ: u16 = 0x0130;
    /// N-ACTION response.
    pub const N_ACTION_RSP: u16 = 0x8130;
}

/// Command Data Set Type of a message without data set.
pub const NO_DATA_SET: u16 = 0x0101;
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

    #[test]
    fn a_response_answers_its_request() {
        let request = Command::action_request(7, "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1", 1);
        let response = request.response(0x0115).with_comment("odd \\ text\n");
        assert_eq!(response.field(), Some(field::N_ACTION_RSP));
        assert_eq!(response.u16(element::RESPONDED_MESSAGE_ID), Some(7));
        assert_eq!(response.text(element::AFFECTED_SOP_INSTANCE).as_deref(), Some("1.2.840.10008.1.20.1.1"));
        assert_eq!(response.u16(element::ACTION_TYPE), Some(1));
        assert_eq!(response.text(element::ERROR_COMMENT).as_deref(), Some("odd  text"));
        assert!(!response.has_data_set() && response.followed_by_data_set().has_data_set());
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
