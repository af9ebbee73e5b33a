//! A storage peer over DIMSE in this process, on dicom-ul's units, that takes and refuses as a test tells
//! it to, and keeps what it was sent.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use dicom_core::{DataElement, VR, dicom_value};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::IMPLICIT_VR_LITTLE_ENDIAN;
use dicom_ul::Pdu;
use dicom_ul::association::read_pdu_from_wire_async;
use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, PDataValue, PDataValueType, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, UserVariableItem, write_pdu,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// How the peer takes what it is offered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Whether it takes a SOP class at all.
    pub(crate) takes: fn(&str) -> bool,
    /// The status that it answers an instance of a SOP class with.
    pub(crate) status: fn(&str) -> u16,
}

/// It takes everything.
pub(crate) const WILLING: Manner = Manner { takes: |_| true, status: |_| 0x0000 };

/// An instance as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) calling_ae_title: String,
    pub(crate) sop_class_uid: String,
    pub(crate) sop_instance_uid: String,
    pub(crate) data_set: Vec<u8>,
}

/// A peer that listens until it is dropped.
pub(crate) struct Pacs {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    listening: tokio::task::JoinHandle<()>,
}

struct Shared {
    manner: Mutex<Manner>,
    stored: Mutex<Vec<Stored>>,
}

impl Pacs {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_at(0, manner).await
    }

    /// At a port that was in use before.
    pub(crate) async fn start_at(port: u16, manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared { manner: Mutex::new(manner), stored: Mutex::default() });
        let serving = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            let mut associations = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                associations.spawn(async move { shared.associate(socket).await });
            }
        });
        Self { port, shared, listening }
    }

    /// From now on it takes things like this.
    pub(crate) fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("not poisoned") = manner;
    }

    /// What it was offered so far, in a context that it had accepted.
    pub(crate) fn stored(&self) -> Vec<Stored> {
        self.shared.stored.lock().expect("not poisoned").clone()
    }
}

impl Drop for Pacs {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    fn manner(&self) -> Manner {
        *self.manner.lock().expect("not poisoned")
    }

    /// One association, until the other side ends it.
    async fn associate(&self, mut socket: TcpStream) -> Option<()> {
        let mut buffer = BytesMut::new();
        let Pdu::AssociationRQ(request) = read(&mut socket, &mut buffer).await? else { return None };
        write(&mut socket, &self.acceptance(&request)).await?;
        let (mut command, mut data_set) = (Vec::new(), Vec::new());
        loop {
            let values = match read(&mut socket, &mut buffer).await? {
                Pdu::PData { data } => data,
                Pdu::ReleaseRQ => return write(&mut socket, &Pdu::ReleaseRP).await,
                _ => return None,
            };
            for value in values {
                let of_command = value.value_type == PDataValueType::Command;
                if of_command { &mut command } else { &mut data_set }.extend_from_slice(&value.data);
                if !value.is_last {
                    continue;
                }
                let asked = Command::read(&command)?;
                if of_command && asked.has_data_set {
                    continue;
                }
                let status = if asked.has_data_set {
                    self.stored.lock().expect("not poisoned").push(Stored {
                        calling_ae_title: request.calling_ae_title.trim().to_owned(),
                        sop_class_uid: asked.sop_class_uid.clone(),
                        sop_instance_uid: asked.sop_instance_uid.clone(),
                        data_set: std::mem::take(&mut data_set),
                    });
                    (self.manner().status)(&asked.sop_class_uid)
                } else {
                    0
                };
                command.clear();
                let data = vec![PDataValue {
                    presentation_context_id: value.presentation_context_id,
                    value_type: PDataValueType::Command,
                    is_last: true,
                    data: asked.response(status),
                }];
                write(&mut socket, &Pdu::PData { data }).await?;
            }
        }
    }

    fn acceptance(&self, request: &AssociationRQ) -> Pdu {
        let takes = self.manner().takes;
        let result = |proposed: &PresentationContextProposed| PresentationContextResult {
            id: proposed.id,
            reason: if takes(proposed.abstract_syntax.trim_end_matches('\0')) {
                PresentationContextResultReason::Acceptance
            } else {
                PresentationContextResultReason::AbstractSyntaxNotSupported
            },
            transfer_syntax: proposed.transfer_syntaxes[0].clone(),
        };
        Pdu::AssociationAC(AssociationAC {
            protocol_version: 1,
            calling_ae_title: request.calling_ae_title.clone(),
            called_ae_title: request.called_ae_title.clone(),
            application_context_name: request.application_context_name.clone(),
            presentation_contexts: request.presentation_contexts.iter().map(result).collect(),
            user_variables: vec![UserVariableItem::MaxLength(16_384)],
        })
    }
}

/// A C-ECHO or C-STORE request. PS3.7 §9.3.
struct Command {
    field: u16,
    message_id: u16,
    sop_class_uid: String,
    sop_instance_uid: String,
    has_data_set: bool,
}

impl Command {
    fn read(bytes: &[u8]) -> Option<Self> {
        let syntax = IMPLICIT_VR_LITTLE_ENDIAN.erased();
        let set = InMemDicomObject::read_dataset_with_ts(bytes, &syntax).ok()?;
        let number = |tag| set.element(tag).ok()?.to_int::<u16>().ok();
        let uid = |tag| Some(set.element(tag).ok()?.to_str().ok()?.trim_end_matches(['\0', ' ']).to_owned());
        Some(Self {
            field: number(tags::COMMAND_FIELD)?,
            message_id: number(tags::MESSAGE_ID)?,
            sop_class_uid: uid(tags::AFFECTED_SOP_CLASS_UID)?,
            sop_instance_uid: uid(tags::AFFECTED_SOP_INSTANCE_UID).unwrap_or_default(),
            has_data_set: number(tags::COMMAND_DATA_SET_TYPE)? != 0x0101,
        })
    }

    fn response(&self, status: u16) -> Vec<u8> {
        let mut elements = vec![
            DataElement::new(tags::AFFECTED_SOP_CLASS_UID, VR::UI, dicom_value!(Str, self.sop_class_uid.as_str())),
            DataElement::new(tags::COMMAND_FIELD, VR::US, dicom_value!(U16, [self.field | 0x8000])),
            DataElement::new(tags::MESSAGE_ID_BEING_RESPONDED_TO, VR::US, dicom_value!(U16, [self.message_id])),
            DataElement::new(tags::COMMAND_DATA_SET_TYPE, VR::US, dicom_value!(U16, [0x0101])),
            DataElement::new(tags::STATUS, VR::US, dicom_value!(U16, [status])),
        ];
        if self.has_data_set {
            let uid = dicom_value!(Str, self.sop_instance_uid.as_str());
            elements.push(DataElement::new(tags::AFFECTED_SOP_INSTANCE_UID, VR::UI, uid));
        }
        let mut bytes = Vec::new();
        InMemDicomObject::command_from_element_iter(elements)
            .write_dataset_with_ts(&mut bytes, &IMPLICIT_VR_LITTLE_ENDIAN.erased())
            .expect("is written");
        bytes
    }
}

async fn read(socket: &mut TcpStream, buffer: &mut BytesMut) -> Option<Pdu> {
    read_pdu_from_wire_async(socket, buffer, 1 << 20, true).await.ok()
}

async fn write(socket: &mut TcpStream, pdu: &Pdu) -> Option<()> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu).expect("is written");
    socket.write_all(&bytes).await.ok()
}
