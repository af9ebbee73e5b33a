//! Protocol data units that an acceptor sends (PS3.8 §9.3), read from bytes. Writing is left to
//! dicom-ul; its reader is not used, because it refuses an acceptance whose rejected contexts carry no
//! transfer syntax (which PS3.8 §9.3.3.2 calls insignificant), an unknown reject reason and any
//! protocol version but 1, and copies each fragment twice.

use bytes::Bytes;

/// A protocol data unit from the acceptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A-ASSOCIATE-AC.
    Accepted(Acceptance),
    /// A-ASSOCIATE-RJ.
    Rejected(Rejection),
    /// P-DATA-TF.
    Data(Vec<Fragment>),
    /// A-RELEASE-RQ.
    ReleaseRequest,
    /// A-RELEASE-RP.
    ReleaseReply,
    /// A-ABORT with its source and reason.
    Abort(AbortReason),
}

/// What an acceptor answered to an association request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Acceptance {
    /// The answer to each presentation context.
    pub(super) contexts: Vec<ContextResult>,
    /// Greatest length of a P-DATA-TF body that the acceptor takes; 0 is without limit.
    pub(super) max_pdu_bytes: Option<u32>,
    /// Implementation Version Name, if it gave one.
    pub(super) implementation: Option<String>,
}

/// The answer to one presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContextResult {
    /// Presentation context id.
    pub(super) id: u8,
    /// 0 accepted; else the reason of the rejection (PS3.8 table 9-18).
    pub(super) result: u8,
    /// The transfer syntax; meaningful when accepted.
    pub(super) transfer_syntax_uid: String,
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
pub(super) struct Fragment {
    /// Presentation context id.
    pub(super) context_id: u8,
    /// Whether it belongs to a command set; else to a data set.
    pub(super) of_command: bool,
    /// Whether it is the last of its command or data set.
    pub(super) is_last: bool,
    /// The piece.
    pub(super) data: Bytes,
}

/// Why bytes are not a protocol data unit that an acceptor may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct PduError(pub(super) &'static str);

impl Incoming {
    /// Reads the body of a unit of type `kind`. The caller has bounded its length.
    pub(super) fn parse(kind: u8, body: Bytes) -> Result<Self, PduError> {
        match kind {
            0x02 => Acceptance::parse(&body).map(Self::Accepted),
            0x03 => {
                let [_, result, source, reason] = four(&body)?;
                Ok(Self::Rejected(Rejection { result, source, reason }))
            }
            0x04 => fragments(body).map(Self::Data),
            0x05 => Ok(Self::ReleaseRequest),
            0x06 => Ok(Self::ReleaseReply),
            0x07 => {
                let [_, _, source, reason] = four(&body)?;
                Ok(Self::Abort(AbortReason { source, reason }))
            }
            _ => Err(PduError("a unit of a type that an acceptor does not send")),
        }
    }
}

impl Acceptance {
    /// Reads the body of an A-ASSOCIATE-AC. PS3.8 §9.3.3.
    fn parse(body: &[u8]) -> Result<Self, PduError> {
        const FIXED: usize = 2 + 2 + 16 + 16 + 32;
        if body.get(1).is_none_or(|version| version & 1 == 0) {
            return Err(PduError("an acceptance of another protocol version"));
        }
        let mut acceptance = Self::default();
        for item in items(body.get(FIXED..).ok_or(PduError("an acceptance that is cut off"))?) {
            let (kind, value) = item?;
            match kind {
                0x21 => acceptance.contexts.push(ContextResult::parse(value)?),
                0x50 => acceptance.read_user_information(value)?,
                // The application context (10H) is not tested (PS3.8 table 9-17).
                _ => {}
            }
        }
        Ok(acceptance)
    }

    fn read_user_information(&mut self, value: &[u8]) -> Result<(), PduError> {
        for item in items(value) {
            let (kind, value) = item?;
            match kind {
                0x51 => self.max_pdu_bytes = Some(u32::from_be_bytes(four(value)?)),
                0x55 => self.implementation = Some(printable(value)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl ContextResult {
    fn parse(value: &[u8]) -> Result<Self, PduError> {
        let ([id, _, result, _], rest) =
            value.split_first_chunk::<4>().ok_or(PduError("a presentation context that is cut off"))?;
        let transfer_syntax_uid = items(rest)
            .find_map(|item| item.ok().filter(|(kind, _)| *kind == 0x40))
            .map(|(_, name)| printable(name))
            .unwrap_or_default();
        if *result == 0 && transfer_syntax_uid.is_empty() {
            return Err(PduError("an accepted presentation context without transfer syntax"));
        }
        Ok(Self { id: *id, result: *result, transfer_syntax_uid })
    }
}

impl Rejection {
    /// Whether the acceptor may take the association later.
    pub fn is_transient(self) -> bool {
        self.result == 2
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = match (self.source, self.reason) {
            (1, 2) => "application context not supported",
            (1, 3) => "calling AE title not recognized",
            (1, 7) => "called AE title not recognized",
            (2, 2) => "protocol version not supported",
            (3, 1) => "temporary congestion",
            (3, 2) => "local limit exceeded",
            _ => "no reason given",
        };
        f.write_str(reason)
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

/// The items of a variable field: type, reserved byte, 16-bit length, value. PS3.8 §9.3.2.
fn items(mut rest: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), PduError>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(([kind, _, high, low], tail)) = rest.split_first_chunk::<4>() else {
            rest = &[];
            return Some(Err(CUT_ITEM));
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, tail)) = tail.split_at_checked(length) else {
            rest = &[];
            return Some(Err(CUT_ITEM));
        };
        rest = tail;
        Some(Ok((*kind, value)))
    })
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

fn four(body: &[u8]) -> Result<[u8; 4], PduError> {
    body.first_chunk::<4>().copied().ok_or(PduError("a unit that is cut off"))
}

fn printable(value: &[u8]) -> String {
    value
        .iter()
        .filter(|byte| (0x20..0x7f).contains(*byte))
        .map(|byte| char::from(*byte))
        .collect::<String>()
        .trim()
        .to_owned()
}

const CUT_ITEM: PduError = PduError("an item that is cut off");
const CUT_FRAGMENT: PduError = PduError("a data value that is cut off");

#[cfg(test)]
mod tests {
    use dicom_ul::Pdu;
    use dicom_ul::pdu::{
        AssociationAC, PDataValue, PDataValueType, PresentationContextResult, PresentationContextResultReason,
        UserVariableItem, write_pdu,
    };
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Incoming, PduError> {
        Incoming::parse(bytes[0], Bytes::copy_from_slice(&bytes[6..]))
    }

    #[test]
    fn an_acceptance_written_by_dicom_ul_is_read() {
        let mut bytes = Vec::new();
        let context =
            |id, reason| PresentationContextResult { id, reason, transfer_syntax: "1.2.840.10008.1.2".into() };
        let acceptance = Pdu::AssociationAC(AssociationAC {
            protocol_version: 1,
            calling_ae_title: "A".into(),
            called_ae_title: "B".into(),
            application_context_name: "1.2.840.10008.3.1.1.1".into(),
            presentation_contexts: vec![
                context(1, PresentationContextResultReason::Acceptance),
                context(3, PresentationContextResultReason::AbstractSyntaxNotSupported),
            ],
            user_variables: vec![
                UserVariableItem::MaxLength(16_384),
                UserVariableItem::ImplementationVersionName("X".into()),
            ],
        });
        write_pdu(&mut bytes, &acceptance).expect("writes");
        let Ok(Incoming::Accepted(acceptance)) = read(&bytes) else { panic!("an acceptance") };
        assert_eq!(acceptance.max_pdu_bytes, Some(16_384));
        assert_eq!(acceptance.implementation.as_deref(), Some("X"));
        let results: Vec<_> = acceptance.contexts.iter().map(|context| (context.id, context.result)).collect();
        assert_eq!(results, [(1, 0), (3, 3)]);
    }

    #[test]
    fn a_rejected_context_needs_no_transfer_syntax() {
        assert_eq!(
            ContextResult::parse(&[3, 0, 3, 0]),
            Ok(ContextResult { id: 3, result: 3, transfer_syntax_uid: String::new() })
        );
        assert!(ContextResult::parse(&[3, 0, 0, 0]).is_err());
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
        write_pdu(&mut bytes, &Pdu::PData { data }).expect("writes");
        let Ok(Incoming::Data(fragments)) = read(&bytes) else { panic!("data") };
        assert_eq!(fragments.len(), 2);
        assert!(fragments[0].of_command && fragments[0].is_last && fragments[0].data.as_ref() == b"ab");
        assert!(!fragments[1].of_command && fragments[1].data.is_empty());
    }

    #[test]
    fn a_reason_that_nobody_defined_is_still_a_rejection() {
        let rejected = Incoming::parse(3, Bytes::from_static(&[0, 1, 1, 99])).expect("reads");
        assert_eq!(rejected, Incoming::Rejected(Rejection { result: 1, source: 1, reason: 99 }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0u8..9, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Incoming::parse(kind, body.into());
        }
    }
}
