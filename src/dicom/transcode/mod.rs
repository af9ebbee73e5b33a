//! A stored instance in another transfer syntax: from whatever it is stored in (implicit, big endian,
//! deflated, compressed) to Explicit or Implicit VR Little Endian, RLE Lossless, JPEG-LS Lossless or
//! JPEG Baseline.
//! PS3.5 Annex A, PS3.18 §8.7.3.
//!
//! [`Transcoder`] is given the stored file piece by piece and gives the other one piece by piece. It holds
//! one frame and the attributes in front of the pixels, never the instance. Values keep their bytes and
//! their character set; what changes is headers, byte order, and what describes the pixels.

mod converter;
mod edit;
mod error;
mod fragments;
mod header;
mod inflate;
mod meta;
mod samples;
mod target;

pub use error::TranscodeError;
pub use target::{TargetForm, TargetSyntax, TranscodeLimits, transcodes};

use converter::Converter;
use inflate::Inflater;

use super::element::DataSet;
use super::part10::{self, ReadLimits, TransferSyntax};
use super::pixel::PixelEncoding;

/// The elements of a stored data set in front of its pixel data, whatever it is encoded in. `bytes` are
/// those from the first element up to pixel data, of a deflated data set inflated.
pub fn read_header(transfer_syntax_uid: &str, bytes: &[u8], limits: &ReadLimits) -> Result<DataSet, TranscodeError> {
    let unreadable = TranscodeError::Structure { what: "elements that cannot be read", offset: 0 };
    let unknown = || TranscodeError::TransferSyntax(transfer_syntax_uid.to_owned());
    let encoding = PixelEncoding::of_transfer_syntax(transfer_syntax_uid).ok_or_else(unknown)?;
    let turned;
    let (bytes, syntax) = match encoding {
        PixelEncoding::NativeBigEndian => {
            let (target, limits) = (TargetSyntax::ExplicitVrLittleEndian, TranscodeLimits::default());
            let mut converter = Converter::new(transfer_syntax_uid, encoding, target, limits, Vec::new());
            converter.push(bytes)?;
            turned = converter.finish()?;
            (turned.as_slice(), TransferSyntax::ExplicitVrLittleEndian)
        }
        PixelEncoding::Native if transfer_syntax_uid == TargetSyntax::ImplicitVrLittleEndian.uid() => {
            (bytes, TransferSyntax::ImplicitVrLittleEndian)
        }
        _ => (bytes, TransferSyntax::ExplicitVrLittleEndian),
    };
    part10::read_data_set(bytes, syntax, limits).map(|read| read.data_set).or(Err(unreadable))
}

/// Turns one stored instance into another transfer syntax.
pub struct Transcoder {
    target: TargetSyntax,
    form: TargetForm,
    limits: TranscodeLimits,
    stage: Stage,
}

enum Stage {
    /// The bytes of the file meta information so far.
    Meta(Vec<u8>),
    DataSet {
        inflater: Option<Inflater>,
        converter: Box<Converter>,
    },
    /// Finished or failed.
    Done,
}

impl Transcoder {
    /// A transcoder for a file that begins with its preamble.
    pub fn new(target: TargetSyntax, form: TargetForm, limits: TranscodeLimits) -> Self {
        Self { target, form, limits, stage: Stage::Meta(Vec::new()) }
    }

    /// Takes the next bytes of the stored file. Decoding happens here, so that it belongs where work of a
    /// while belongs. After an error nothing more comes out.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TranscodeError> {
        let pushed = self.pushed(bytes);
        if pushed.is_err() {
            self.stage = Stage::Done;
        }
        pushed
    }

    fn pushed(&mut self, bytes: &[u8]) -> Result<(), TranscodeError> {
        match &mut self.stage {
            Stage::Meta(begin) => {
                begin.extend_from_slice(bytes);
                if meta::end(begin, false)?.is_some() { self.begin() } else { Ok(()) }
            }
            Stage::DataSet { inflater: Some(inflater), converter } => {
                inflater.push(bytes, |inflated| converter.push(inflated))
            }
            Stage::DataSet { inflater: None, converter } => converter.push(bytes),
            Stage::Done => Err(TranscodeError::Truncated),
        }
    }

    /// Reads the whole file meta information and begins the data set behind it.
    fn begin(&mut self) -> Result<(), TranscodeError> {
        let Stage::Meta(begin) = std::mem::replace(&mut self.stage, Stage::Done) else { return Ok(()) };
        let end = meta::end(&begin, true)?.ok_or(TranscodeError::Truncated)?;
        let (head, rest) = begin.split_at_checked(end).ok_or(TranscodeError::Truncated)?;
        let meta = meta::Meta::read(head)?;
        let uid = meta.transfer_syntax_uid()?;
        if !transcodes(&uid, self.target) {
            return Err(TranscodeError::TransferSyntax(uid));
        }
        let written = match self.form {
            TargetForm::Part10 => meta.write(self.target.uid())?,
            TargetForm::DataSet => Vec::new(),
        };
        let encoding = PixelEncoding::of_transfer_syntax(&uid);
        let encoding = encoding.ok_or_else(|| TranscodeError::TransferSyntax(uid.clone()))?;
        let inflater = (encoding == PixelEncoding::Deflated).then(|| Inflater::new(self.limits.max_inflated_bytes));
        let converter = Box::new(Converter::new(&uid, encoding, self.target, self.limits, written));
        self.stage = Stage::DataSet { inflater, converter };
        self.pushed(rest)
    }

    /// What is ready. Nothing is before the first frame could be decoded where frames have to be, so that an
    /// instance that cannot be converted is known before anything of it is sent.
    pub fn take(&mut self) -> Vec<u8> {
        match &mut self.stage {
            Stage::DataSet { converter, .. } => converter.take(),
            Stage::Meta(_) | Stage::Done => Vec::new(),
        }
    }

    /// Ends the file and gives the rest of the other one.
    pub fn finish(mut self) -> Result<Vec<u8>, TranscodeError> {
        if let Stage::Meta(_) = &self.stage {
            // A file may end with its file meta information.
            self.begin()?;
        }
        match self.stage {
            Stage::DataSet { inflater: Some(inflater), .. } if !inflater.has_ended() => Err(TranscodeError::Truncated),
            Stage::DataSet { converter, .. } => converter.finish(),
            Stage::Meta(_) | Stage::Done => Err(TranscodeError::Truncated),
        }
    }
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").field("target", &self.target).field("form", &self.form).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
