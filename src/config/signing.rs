//! `[signing]`: the key pair that signs documents.

use std::path::PathBuf;

use super::section::section;

section! {
    /// The key pair that signs documents.
    Signing {
        /// PEM file with the private key. Not set: the gateway makes a pair of its own.
        private_key_file: Option<PathBuf> = None;
        /// PEM file with the public key that belongs to it.
        public_key_file: Option<PathBuf> = None;
    }
}
