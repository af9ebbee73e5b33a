//! A-ASSOCIATE-RQ and A-ASSOCIATE-AC (PS3.8 §9.3.2, §9.3.3, §D.1; PS3.7 §D.3.3). Items that nobody needs
//! here are passed over, as PS3.8 §9.3.1 asks.

use crate::base::AeTitle;

use super::item::{self, items};
use super::pdu::PduError;

/// What a requestor proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateRequest {
    /// Protocol version; only bit 0 says anything.
    pub protocol_version: u16,
    /// Called AE title.
    pub called: AeField,
    /// Calling AE title.
    pub calling: AeField,
    /// Application context name.
    pub application_context: String,
    /// Presentation contexts, in the order of the request.
    pub contexts: Vec<ContextProposal>,
    /// User information.
    pub user: UserInformation,
}

/// What an acceptor answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateAccept {
    /// What stood in the request; not tested by the requestor.
    pub called: AeField,
    /// What stood in the request; not tested by the requestor.
    pub calling: AeField,
    /// The answer to each presentation context.
    pub contexts: Vec<ContextAnswer>,
    /// User information.
    pub user: UserInformation,
}

/// An AE title in its field of 16 bytes, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AeField(pub [u8; 16]);

/// A presentation context as proposed. PS3.8 §9.3.2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextProposal {
    /// Presentation context id, odd.
    pub id: u8,
    /// Abstract syntax.
    pub abstract_syntax: String,
    /// Transfer syntaxes in the order of the proposal; at least one.
    pub transfer_syntaxes: Vec<String>,
}

/// The answer to a presentation context. PS3.8 §9.3.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextAnswer {
    /// Presentation context id.
    pub id: u8,
    /// Whether it is accepted, and if not, why.
    pub result: ContextResult,
    /// The transfer syntax; meaningful when accepted.
    pub transfer_syntax: String,
}

/// Result of a presentation context. PS3.8 table 9-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextResult(pub u8);

/// The user information item. PS3.8 §D.1, PS3.7 §D.3.3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInformation {
    /// Greatest length of a P-DATA-TF body that the sender takes; 0 is without limit.
    pub max_pdu_bytes: Option<u32>,
    /// Implementation Class UID.
    pub implementation_class_uid: Option<String>,
    /// Implementation Version Name.
    pub implementation_version: Option<String>,
    /// SCP/SCU role selections.
    pub roles: Vec<RoleSelection>,
    /// SOP class extended negotiations.
    pub extended: Vec<ExtendedNegotiation>,
}

/// Which roles the requestor may take for a SOP class. PS3.7 §D.3.3.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSelection {
    /// SOP class.
    pub sop_class_uid: String,
    /// Whether the requestor may be service class user.
    pub scu: bool,
    /// Whether the requestor may be service class provider.
    pub scp: bool,
}

/// What was proposed or answered beyond the SOP class itself. PS3.7 §D.3.3.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// SOP class.
    pub sop_class_uid: String,
    /// Service class application information; the SOP class says what its bytes mean.
    pub information: Vec<u8>,
}

impl AssociateRequest {
    /// Reads the body of an A-ASSOCIATE-RQ.
    pub(super) fn parse(body: &[u8]) -> Result<Self, PduError> {
        let (protocol_version, called, calling, rest) = fixed(body)?;
        let mut request = Self {
            protocol_version,
            called,
            calling,
            application_context: String::new(),
            contexts: Vec::new(),
            user: UserInformation::default(),
        };
        for item in items(rest) {
            match item? {
                (0x10, value) => request.application_context = item::printable(value),
                (0x20, value) => request.add(ContextProposal::parse(value)?)?,
                (0x50, value) => request.user = UserInformation::parse(value)?,
                _ => {}
            }
        }
        if request.contexts.is_empty() {
            return Err(PduError::invalid("an association request without presentation contexts"));
        }
        Ok(request)
    }

    /// Ids are odd and each stands once, so that there are at most 128.
    fn add(&mut self, context: ContextProposal) -> Result<(), PduError> {
        if context.id.is_multiple_of(2) || self.contexts.iter().any(|other| other.id == context.id) {
            return Err(PduError::invalid("a presentation context id that is even or stands twice"));
        }
        self.contexts.push(context);
        Ok(())
    }

    /// The encoded unit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PduError> {
        unit(0x01, self.protocol_version, &self.called, &self.calling, |out| {
            item::put_text(out, 0x10, &self.application_context)?;
            for context in &self.contexts {
                context.write(out)?;
            }
            self.user.write(out)
        })
    }
}

impl AssociateAccept {
    /// Reads the body of an A-ASSOCIATE-AC. The application context is not tested (PS3.8 table 9-17).
    pub(super) fn parse(body: &[u8]) -> Result<Self, PduError> {
        let (protocol_version, called, calling, rest) = fixed(body)?;
        if protocol_version & 1 == 0 {
            return Err(PduError::invalid("an acceptance of another protocol version"));
        }
        let mut accept = Self { called, calling, contexts: Vec::new(), user: UserInformation::default() };
        for item in items(rest) {
            match item? {
                (0x21, value) => accept.contexts.push(ContextAnswer::parse(value)?),
                (0x50, value) => accept.user = UserInformation::parse(value)?,
                _ => {}
            }
        }
        Ok(accept)
    }

    /// The encoded unit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PduError> {
        unit(0x02, 1, &self.called, &self.calling, |out| {
            item::put_text(out, 0x10, super::APPLICATION_CONTEXT)?;
            for context in &self.contexts {
                context.write(out)?;
            }
            self.user.write(out)
        })
    }
}

impl AeField {
    /// The field of a title, padded with spaces.
    pub fn of(title: &AeTitle) -> Self {
        let mut field = [b' '; 16];
        for (place, byte) in field.iter_mut().zip(title.as_str().bytes()) {
            *place = byte;
        }
        Self(field)
    }

    /// The title, without the spaces at its ends; `None` if the field holds none (PS3.5 §6.2, AE).
    pub fn title(&self) -> Option<AeTitle> {
        AeTitle::parse(std::str::from_utf8(&self.0).ok()?.trim_matches(' ')).ok()
    }
}

impl ContextProposal {
    fn parse(value: &[u8]) -> Result<Self, PduError> {
        let ([id, ..], rest) = value.split_first_chunk::<4>().ok_or(CUT_CONTEXT)?;
        let (mut abstract_syntaxes, mut transfer_syntaxes) = (Vec::new(), Vec::new());
        for item in items(rest) {
            match item? {
                (0x30, value) => abstract_syntaxes.push(item::printable(value)),
                (0x40, value) => transfer_syntaxes.push(item::printable(value)),
                _ => {}
            }
        }
        let [abstract_syntax] = <[String; 1]>::try_from(abstract_syntaxes)
            .map_err(|_count| PduError::invalid("a presentation context without one abstract syntax"))?;
        if transfer_syntaxes.is_empty() {
            return Err(PduError::invalid("a presentation context without transfer syntax"));
        }
        Ok(Self { id: *id, abstract_syntax, transfer_syntaxes })
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), PduError> {
        item::put(out, 0x20, |out| {
            out.extend_from_slice(&[self.id, 0, 0, 0]);
            item::put_text(out, 0x30, &self.abstract_syntax)?;
            self.transfer_syntaxes.iter().try_for_each(|syntax| item::put_text(out, 0x40, syntax))
        })
    }
}

impl ContextAnswer {
    fn parse(value: &[u8]) -> Result<Self, PduError> {
        let ([id, _, result, _], rest) = value.split_first_chunk::<4>().ok_or(CUT_CONTEXT)?;
        let result = ContextResult(*result);
        let transfer_syntax = items(rest)
            .find_map(|item| item.ok().filter(|(kind, _)| *kind == 0x40))
            .map(|(_, name)| item::printable(name))
            .unwrap_or_default();
        if result == ContextResult::ACCEPTED && transfer_syntax.is_empty() {
            return Err(PduError::invalid("an accepted presentation context without transfer syntax"));
        }
        Ok(Self { id: *id, result, transfer_syntax })
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), PduError> {
        item::put(out, 0x21, |out| {
            out.extend_from_slice(&[self.id, 0, self.result.0, 0]);
            item::put_text(out, 0x40, &self.transfer_syntax)
        })
    }
}

impl ContextResult {
    /// Accepted.
    pub const ACCEPTED: Self = Self(0);
    /// Rejected by the application.
    pub const USER_REJECTION: Self = Self(1);
    /// Abstract syntax not supported.
    pub const ABSTRACT_SYNTAX: Self = Self(3);
    /// None of the transfer syntaxes is supported.
    pub const TRANSFER_SYNTAXES: Self = Self(4);
}

impl UserInformation {
    fn parse(value: &[u8]) -> Result<Self, PduError> {
        let mut user = Self::default();
        for item in items(value) {
            match item? {
                (0x51, value) => user.max_pdu_bytes = Some(u32::from_be_bytes(item::four(value)?)),
                (0x52, value) => user.implementation_class_uid = Some(item::printable(value)),
                (0x54, value) => user.roles.push(RoleSelection::parse(value)?),
                (0x55, value) => user.implementation_version = Some(item::printable(value)),
                (0x56, value) => {
                    let (sop_class_uid, information) = item::counted_text(value)?;
                    user.extended.push(ExtendedNegotiation { sop_class_uid, information: information.to_vec() });
                }
                // The asynchronous operations window (53H) stays 1/1 when it is not answered; common
                // extended negotiation (57H) and user identity (58H) need no answer.
                _ => {}
            }
        }
        Ok(user)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), PduError> {
        item::put(out, 0x50, |out| {
            if let Some(max) = self.max_pdu_bytes {
                item::put(out, 0x51, |out| {
                    out.extend_from_slice(&max.to_be_bytes());
                    Ok(())
                })?;
            }
            if let Some(uid) = &self.implementation_class_uid {
                item::put_text(out, 0x52, uid)?;
            }
            for role in &self.roles {
                item::put(out, 0x54, |out| {
                    item::put_counted_text(out, &role.sop_class_uid)?;
                    out.extend_from_slice(&[u8::from(role.scu), u8::from(role.scp)]);
                    Ok(())
                })?;
            }
            if let Some(version) = &self.implementation_version {
                item::put_text(out, 0x55, version)?;
            }
            for extended in &self.extended {
                item::put(out, 0x56, |out| {
                    item::put_counted_text(out, &extended.sop_class_uid)?;
                    out.extend_from_slice(&extended.information);
                    Ok(())
                })?;
            }
            Ok(())
        })
    }
}

impl RoleSelection {
    fn parse(value: &[u8]) -> Result<Self, PduError> {
        let (sop_class_uid, roles) = item::counted_text(value)?;
        let [scu, scp] = *roles.first_chunk::<2>().ok_or(PduError::invalid("a role selection that is cut off"))?;
        Ok(Self { sop_class_uid, scu: scu == 1, scp: scp == 1 })
    }
}

/// Protocol version, called and calling AE title, and the variable items behind them.
fn fixed(body: &[u8]) -> Result<(u16, AeField, AeField, &[u8]), PduError> {
    let cut = PduError::invalid("an association unit that is cut off");
    let ([high, low, _, _], rest) = body.split_first_chunk::<4>().ok_or(cut)?;
    let (called, rest) = rest.split_first_chunk::<16>().ok_or(cut)?;
    let (calling, rest) = rest.split_first_chunk::<16>().ok_or(cut)?;
    let (_reserved, rest) = rest.split_first_chunk::<32>().ok_or(cut)?;
    Ok((u16::from_be_bytes([*high, *low]), AeField(*called), AeField(*calling), rest))
}

fn unit(
    kind: u8,
    protocol_version: u16,
    called: &AeField,
    calling: &AeField,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), PduError>,
) -> Result<Vec<u8>, PduError> {
    let mut out = vec![kind, 0, 0, 0, 0, 0];
    out.extend_from_slice(&protocol_version.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&called.0);
    out.extend_from_slice(&calling.0);
    out.extend_from_slice(&[0; 32]);
    write(&mut out)?;
    let length = u32::try_from(out.len() - 6).map_err(|_overflow| PduError::invalid("a unit that is too long"))?;
    if let Some(place) = out.get_mut(2..6) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(out)
}

const CUT_CONTEXT: PduError = PduError::invalid("a presentation context that is cut off");

#[cfg(test)]
mod tests {
    use dicom_ul::pdu::{
        AssociationAC, PresentationContextResult, PresentationContextResultReason, UserVariableItem, read_pdu,
        write_pdu,
    };
    use proptest::prelude::*;

    use super::*;

    fn title(text: &str) -> AeField {
        AeField::of(&AeTitle::parse(text).expect("valid"))
    }

    fn request() -> AssociateRequest {
        AssociateRequest {
            protocol_version: 1,
            called: title("CAUSEWAY"),
            calling: title("MODALITY 1"),
            application_context: super::super::APPLICATION_CONTEXT.into(),
            contexts: vec![
                ContextProposal {
                    id: 1,
                    abstract_syntax: "1.2.840.10008.1.1".into(),
                    transfer_syntaxes: vec!["1.2.840.10008.1.2".into(), "1.2.840.10008.1.2.1".into()],
                },
                ContextProposal {
                    id: 255,
                    abstract_syntax: "1.2.840.10008.5.1.4.1.1.2".into(),
                    transfer_syntaxes: vec!["1.2.840.10008.1.2".into()],
                },
            ],
            user: UserInformation {
                max_pdu_bytes: Some(16_384),
                implementation_class_uid: Some("1.2.3".into()),
                implementation_version: Some("TEST".into()),
                roles: vec![RoleSelection { sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(), scu: false, scp: true }],
                extended: vec![ExtendedNegotiation { sop_class_uid: "1.2.4".into(), information: vec![1, 0, 1] }],
            },
        }
    }

    #[test]
    fn a_request_is_read_as_it_is_written_and_dicom_ul_reads_it_too() {
        let bytes = request().to_bytes().expect("fits");
        assert_eq!(AssociateRequest::parse(&bytes[6..]), Ok(request()));
        let read = read_pdu(bytes.as_slice(), 1 << 20, true).expect("reads").expect("a unit");
        let dicom_ul::Pdu::AssociationRQ(read) = read else { panic!("a request") };
        assert_eq!((read.called_ae_title.as_str(), read.presentation_contexts.len()), ("CAUSEWAY", 2));
    }

    #[test]
    fn an_acceptance_written_by_dicom_ul_is_read() {
        let mut bytes = Vec::new();
        let context =
            |id, reason| PresentationContextResult { id, reason, transfer_syntax: "1.2.840.10008.1.2".into() };
        let acceptance = dicom_ul::Pdu::AssociationAC(AssociationAC {
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
        let accept = AssociateAccept::parse(&bytes[6..]).expect("reads");
        assert_eq!(accept.user.max_pdu_bytes, Some(16_384));
        assert_eq!(accept.user.implementation_version.as_deref(), Some("X"));
        let results: Vec<_> = accept.contexts.iter().map(|context| (context.id, context.result.0)).collect();
        assert_eq!(results, [(1, 0), (3, 3)]);
        let own = accept.to_bytes().expect("fits");
        assert_eq!(AssociateAccept::parse(&own[6..]), Ok(accept));
    }

    #[test]
    fn a_rejected_context_needs_no_transfer_syntax() {
        let answer = ContextAnswer::parse(&[3, 0, 3, 0]).expect("reads");
        assert_eq!((answer.id, answer.result), (3, ContextResult::ABSTRACT_SYNTAX));
        assert!(ContextAnswer::parse(&[3, 0, 0, 0]).is_err());
    }

    #[test]
    fn contexts_that_break_the_rules_are_refused() {
        let refused = |change: fn(&mut AssociateRequest)| {
            let mut request = request();
            change(&mut request);
            AssociateRequest::parse(&request.to_bytes().expect("fits")[6..]).is_err()
        };
        assert!(refused(|request| request.contexts[0].id = 2));
        assert!(refused(|request| request.contexts[0].id = 255));
        assert!(refused(|request| request.contexts[0].transfer_syntaxes.clear()));
        assert!(refused(|request| request.contexts.clear()));
        let many = |request: &mut AssociateRequest| {
            let context = request.contexts[0].clone();
            request.contexts = (0..200_u8).map(|id| ContextProposal { id, ..context.clone() }).collect();
        };
        assert!(refused(many), "200 contexts");
    }

    #[test]
    fn a_title_with_control_characters_is_none() {
        assert_eq!(AeField(*b"  MODALITY 1    ").title().map(|title| title.to_string()), Some("MODALITY 1".into()));
        assert_eq!(AeField(*b"MODALITY\0\0\0\0\0\0\0\0").title(), None);
        assert_eq!(AeField(*b"A\\B             ").title(), None);
        assert_eq!(AeField([b' '; 16]).title(), None);
        assert_eq!(AeField([0xFF; 16]).title(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..300, byte: u8, cut in 0_usize..300) {
            let mut bytes = request().to_bytes().expect("fits").split_off(6);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            if let Ok(read) = AssociateRequest::parse(&bytes) {
                let _ = read.to_bytes();
            }
            let _ = AssociateAccept::parse(&bytes);
        }
    }
}
