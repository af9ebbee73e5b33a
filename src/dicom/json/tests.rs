//! Headers as JSON.
