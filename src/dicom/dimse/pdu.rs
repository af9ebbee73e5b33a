//! Protocol data units (PS3.8 §9.3), read from bytes and written to them. dicom-ul's reader is not used:
//! it refuses an acceptance whose rejected contexts carry no transfer syntax (which PS3.8 §9.3.3.2 calls
//! insignificant), an unknown reject reason and any protocol version but 1, and copies each fragment twice.

use bytes::Bytes;

use super::associate::{AssociateAccept, AssociateRequest};
use super::item;

/// A protocol data unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pdu {
    /// A-ASSOCIATE-RQ.
    AssociateRequest(Box<AssociateRequest>),
    /// A-ASSOCIATE-AC.
    AssociateAccept(Box<AssociateAccept>),
    /// A-ASSOCIATE-RJ.
    AssociateReject(Rejection),
    /// P-DATA-TF.
    Data(Vec<Fragment>),
    /// A-RELEASE-RQ.
    ReleaseRequest,
    /// A-RELEASE-RP.
    ReleaseReply,
    /// A-ABORT with its source and reason.
    Abort(AbortReason),
}

/// Type and length of a unit: its first six bytes. PS3.8 §9.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    kind: u8,
    length: u32,
}

/// Why an acceptor rejected an association. PS3.8 table 9-21.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    pub source: u8,
    /// Reason or diagnosis; its meaning depends on the source.
    pub reason: u8,
}

/// Who aborted an association and why. PS3.8 table 9-26.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortReason {
    /// 0 service user, 2 service provider.
    pub source: u8,
    /// Reason; meaningful for the service provider.
    pub reason: u8,
}

/// A presentation data value: a piece of a command or of a data set. PS3.8 §9.3.5.1, §E.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Presentation context id.
    pub context_id: u8,
    /// Whether it belongs to a command set; else to a data set.
    pub of_command: bool,
    /// Whether it is the last of its command or data set.
    pub is_last: bool,
    /// The piece.
    pub data: Bytes,
}

/// Why bytes are not a unit that may come now, and what an A-ABORT says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct PduError {
    /// What came, as the end of a sentence that begins with `peer sent`.
    pub what: &'static str,
    /// Source and reason of the A-ABORT that answers it.
    pub abort: AbortReason,
}

impl Header {
    /// Length of a header in bytes.
    pub const BYTES: usize = 6;

    /// Reads a header, and holds it to the longest units that are taken: `max_associate_bytes` of an
    /// association request or acceptance, `max_data_bytes` of a P-DATA-TF.
    pub fn parse(bytes: [u8; 6], max_associate_bytes: u32, max_data_bytes: u32) -> Result<Self, PduError> {
        let [kind, _, a, b, c, d] = bytes;
        let length = u32::from_be_bytes([a, b, c, d]);
        let fits = match kind {
            0x01 | 0x02 => length <= max_associate_bytes,
            0x03 | 0x05..=0x07 => length == 4,
            0x04 => length <= max_data_bytes,
            _ => return Err(PduError::UNRECOGNIZED),
        };
        if fits { Ok(Self { kind, length }) } else { Err(PduError::invalid("a unit of a length that is not allowed")) }
    }

    /// Length of the body in bytes.
    pub fn length(self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Reads the body, which has [`Header::length`] bytes.
    pub fn body(self, body: Bytes) -> Result<Pdu, PduError> {
        match self.kind {
            0x01 => AssociateRequest::parse(&body).map(|request| Pdu::AssociateRequest(Box::new(request))),
            0x02 => AssociateAccept::parse(&body).map(|accept| Pdu::AssociateAccept(Box::new(accept))),
            0x03 => {
                let [_, result, source, reason] = item::four(&body)?;
                Ok(Pdu::AssociateReject(Rejection { result, source, reason }))
            }
            0x04 => fragments(body).map(Pdu::Data),
            0x05 => Ok(Pdu::ReleaseRequest),
            0x06 => Ok(Pdu::ReleaseReply),
            0x07 => {
                let [_, _, source, reason] = item::four(&body)?;
                Ok(Pdu::Abort(AbortReason { source, reason }))
            }
            _ => Err(PduError::UNRECOGNIZED),
        }
    }
}

impl Pdu {
    /// A-RELEASE-RQ. PS3.8 §9.3.6.
    pub const RELEASE_REQUEST: [u8; 10] = [0x05, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    /// A-RELEASE-RP. PS3.8 §9.3.7.
    pub const RELEASE_REPLY: [u8; 10] = [0x06, 0, 0, 0, 0, 4, 0, 0, 0, 0];
}

impl Rejection {
    /// The application context name is not supported.
    pub const APPLICATION_CONTEXT: Self = Self { result: 1, source: 1, reason: 2 };
    /// The calling AE title is not recognized, or may not call from where it does.
    pub const CALLING_AE_TITLE: Self = Self { result: 1, source: 1, reason: 3 };
    /// The called AE title is not recognized.
    pub const CALLED_AE_TITLE: Self = Self { result: 1, source: 1, reason: 7 };
    /// The protocol version is not supported.
    pub const PROTOCOL_VERSION: Self = Self { result: 1, source: 2, reason: 2 };
    /// There are as many associations as there may be, for now.
    pub const LOCAL_LIMIT: Self = Self { result: 2, source: 3, reason: 2 };
    /// The acceptor cannot serve for now.
    pub const CONGESTION: Self = Self { result: 2, source: 3, reason: 1 };

    /// Whether the acceptor may take the association later.
    pub fn is_transient(self) -> bool {
        self.result == 2
    }

    /// The encoded unit.
    pub fn to_bytes(self) -> [u8; 10] {
        [0x03, 0, 0, 0, 0, 4, 0, self.result, self.source, self.reason]
    }
}

impl AbortReason {
    /// The application has no use for the association any more.
    pub const BY_USER: Self = Self { source: 0, reason: 0 };
    /// The provider ends it, without a reason of the table.
    pub const UNSPECIFIED: Self = Self { source: 2, reason: 0 };
    /// Unrecognized PDU.
    pub const UNRECOGNIZED_PDU: Self = Self { source: 2, reason: 1 };
    /// Unexpected PDU.
    pub const UNEXPECTED_PDU: Self = Self { source: 2, reason: 2 };
    /// Invalid PDU parameter value.
    pub const INVALID_PARAMETER: Self = Self { source: 2, reason: 6 };

    /// The encoded unit.
    pub fn to_bytes(self) -> [u8; 10] {
        [0x07, 0, 0, 0, 0, 4, 0, 0, self.source, self.reason]
    }
}

impl PduError {
    /// A unit of a type that there is not.
    pub const UNRECOGNIZED: Self = Self { what: "something that is not DICOM", abort: AbortReason::UNRECOGNIZED_PDU };

    /// A unit that is wrong in itself.
    pub const fn invalid(what: &'static str) -> Self {
        Self { what, abort: AbortReason::INVALID_PARAMETER }
    }

    /// A unit, or a message, that may not come now.
    pub const fn unexpected(what: &'static str) -> Self {
        Self { what, abort: AbortReason::UNEXPECTED_PDU }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.source, self.reason) {
            (1, 2) => "application context not supported",
            (1, 3) => "calling AE title not recognized",
            (1, 7) => "called AE title not recognized",
            (2, 2) => "protocol version not supported",
            (3, 1) => "temporary congestion",
            (3, 2) => "local limit exceeded",
            _ => "no reason given",
        })
    }
}

impl std::fmt::Display for AbortReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.source, self.reason) {
            (2, 1) => "service provider: unrecognized PDU",
            (2, 2) => "service provider: unexpected PDU",
            (2, 4) => "service provider: unrecognized PDU parameter",
            (2, 5) => "service provider: unexpected PDU parameter",
            (2, 6) => "service provider: invalid PDU parameter",
            (2, _) => "service provider",
            _ => "application",
        })
    }
}

/// The presentation data values of a P-DATA-TF body.
fn fragments(mut body: Bytes) -> Result<Vec<Fragment>, PduError> {
    let mut fragments = Vec::new();
    while !body.is_empty() {
        let [a, b, c, d, context_id, control] = *body.first_chunk::<6>().ok_or(CUT_FRAGMENT)?;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_overflow| CUT_FRAGMENT)?;
        let end = length.checked_add(4).filter(|end| length >= 2 && *end <= body.len()).ok_or(CUT_FRAGMENT)?;
        let data = body.slice(6..end);
        body = body.slice(end..);
        fragments.push(Fragment { context_id, of_command: control & 1 != 0, is_last: control & 2 != 0, data });
    }
    Ok(fragments)
}

const CUT_FRAGMENT: PduError = PduError::invalid("a data value that is cut off");

#[cfg(test)]
mod tests {
    use dicom_ul::pdu::{PDataValue, PDataValueType, write_pdu};
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Pdu, PduError> {
        let header = Header::parse(bytes[..6].try_into().expect("6 bytes"), 1 << 20, 1 << 20)?;
        header.body(Bytes::copy_from_slice(&bytes[6..]))
    }

    #[test]
    fn data_values_are_taken_apart() {
        let mut bytes = Vec::new();
        let value = |value_type, data: &[u8]| PDataValue {
            presentation_context_id: 5,
            value_type,
            is_last: true,
            data: data.to_vec(),
        };
        let data = vec![value(PDataValueType::Command, b"ab"), value(PDataValueType::Data, b"")];
        write_pdu(&mut bytes, &dicom_ul::Pdu::PData { data }).expect("writes");
        let Ok(Pdu::Data(fragments)) = read(&bytes) else { panic!("data") };
        assert_eq!(fragments.len(), 2);
        assert!(fragments[0].of_command && fragments[0].is_last && fragments[0].data.as_ref() == b"ab");
        assert!(!fragments[1].of_command && fragments[1].data.is_empty());
    }

    #[test]
    fn a_length_is_believed_only_within_what_was_announced() {
        let header = |kind, length: u32| {
            let [a, b, c, d] = length.to_be_bytes();
            Header::parse([kind, 0, a, b, c, d], 1_000, 2_000)
        };
        assert!(header(1, 1_000).is_ok() && header(1, 1_001).is_err());
        assert!(header(4, 2_000).is_ok() && header(4, 2_001).is_err());
        assert_eq!(header(4, u32::MAX).expect_err("too long").abort, AbortReason::INVALID_PARAMETER);
        assert!(header(5, 4).is_ok() && header(5, 3).is_err());
        assert_eq!(header(8, 4).expect_err("no such type").abort, AbortReason::UNRECOGNIZED_PDU);
        assert_eq!(header(b'G', 4).expect_err("no such type").abort, AbortReason::UNRECOGNIZED_PDU);
    }

    #[test]
    fn what_is_written_is_read() {
        let rejection = Rejection { result: 1, source: 1, reason: 99 };
        assert_eq!(read(&rejection.to_bytes()), Ok(Pdu::AssociateReject(rejection)));
        let abort = AbortReason::UNEXPECTED_PDU;
        assert_eq!(read(&abort.to_bytes()), Ok(Pdu::Abort(abort)));
        assert_eq!(read(&Pdu::RELEASE_REQUEST), Ok(Pdu::ReleaseRequest));
        assert_eq!(read(&Pdu::RELEASE_REPLY), Ok(Pdu::ReleaseReply));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0u8..9, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let length = u32::try_from(body.len()).expect("short");
            let _ = Header { kind, length }.body(body.into());
        }
    }
}
