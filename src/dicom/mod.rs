//! DICOM values: data sets, codes, character sets, SR content trees. Pure functions; nothing here does
//! input or output.
pub mod charset;
pub mod code;
pub mod conformance;
pub mod dicomdir;
pub mod dimse;
pub mod element;
pub mod header;
pub mod index;
pub mod json;
pub mod part10;
pub mod pixel;
pub mod query;
pub mod sample_study;
pub mod sop_class;
pub mod source;
pub mod sr;
pub mod status;
pub mod study;
pub mod transcode;
pub mod transfer_syntax;
pub mod value;
