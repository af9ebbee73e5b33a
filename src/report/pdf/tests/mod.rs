//! Whole documents, read back with lopdf.

mod archive;
mod embedded;
mod page;
mod scene;
mod text;
