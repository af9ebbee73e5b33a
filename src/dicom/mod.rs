//! DICOM values: data sets, codes, character sets, SR content trees. Pure functions; nothing here does
//! input or output.
pub mod charset;
pub mod code;
pub mod element;
pub mod implementation;
pub mod part10;
pub mod sample_study;
pub mod source;
pub mod sr;
pub mod status;
pub mod study;
pub mod value;
