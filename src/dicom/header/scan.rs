//! The scanner: bytes of a data set in pieces of any length, counted, hashed, inflated where need be, and taken
//! apart.

use dicom_dictionary_std::tags;

use crate::base::{Blake3, Uid};

use super::super::transfer_syntax::Encoding;
use super::inflate::Inflater;
use super::machine::{Machine, value_bytes};
use super::{Header, HeaderError, HeaderLimits, Uids, Value};

/// Reads a data set as it comes.
pub struct Scanner {
    machine: Machine,
    inflater: Option<Inflater>,
    hasher: blake3::Hasher,
    length: u64,
    inflated: u64,
    max_bytes: u64,
    encoding: Encoding,
}

impl Scanner {
    /// For a data set in a transfer syntax.
    pub fn new(transfer_syntax_uid: &str, limits: &HeaderLimits) -> Result<Self, HeaderError> {
        let encoding = Encoding::of(transfer_syntax_uid).ok_or(HeaderError::TransferSyntax)?;
        Ok(Self {
            machine: Machine::new(encoding, limits),
            inflater: encoding.is_deflated.then(Inflater::new),
            hasher: blake3::Hasher::new(),
            length: 0,
            inflated: 0,
            max_bytes: limits.max_bytes,
            encoding,
        })
    }

    /// Takes the next bytes. After an error the data set is not to be read.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), HeaderError> {
        self.length += bytes.len() as u64;
        if self.length > self.max_bytes {
            return Err(HeaderError::TooLarge);
        }
        self.hasher.update(bytes);
        match &mut self.inflater {
            None => self.machine.write(bytes),
            Some(inflater) => {
                // What is sent small and becomes large keeps a core busy: it may become so much larger and no more.
                let most = self.length.saturating_mul(GREATEST_RATIO).saturating_add(INFLATED_FREELY);
                let (machine, inflated) = (&mut self.machine, &mut self.inflated);
                inflater.write(bytes, |piece| {
                    *inflated += piece.len() as u64;
                    if *inflated > most { Err(HeaderError::TooLarge) } else { machine.write(piece) }
                })
            }
        }
    }

    /// Bytes that came.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What was read so far of what the instance is known by, as far as it is legal.
    pub fn uids(&self) -> Uids {
        let uid = |tag| {
            let element = self.machine.root().iter().find(|element| element.tag == tag)?;
            let Value::Kept(kept) = element.value else { return None };
            let text = std::str::from_utf8(value_bytes(self.machine.values(), kept)).ok()?;
            Uid::parse_lenient(text.trim_matches([' ', '\0'])).ok()
        };
        Uids {
            study_instance_uid: uid(tags::STUDY_INSTANCE_UID),
            series_instance_uid: uid(tags::SERIES_INSTANCE_UID),
            sop_class_uid: uid(tags::SOP_CLASS_UID),
            sop_instance_uid: uid(tags::SOP_INSTANCE_UID),
        }
    }

    /// Ends the data set.
    pub fn finish(self) -> Result<Header, HeaderError> {
        if self.inflater.is_some_and(|inflater| !inflater.has_ended()) {
            return Err(HeaderError::Truncated);
        }
        let digest = Blake3::from_hasher(&self.hasher);
        self.machine.finish(self.encoding, self.length, digest)
    }
}

/// How many bytes one deflated byte may become, and how many more there may be altogether.
const GREATEST_RATIO: u64 = 200;
const INFLATED_FREELY: u64 = 256 << 20;
