//! `[keys]`: the master key.

use std::path::PathBuf;

use super::section::section;

section! {
    /// The master key, which wraps the keys of all tenants: 64 hexadecimal digits or the Base64 of 32
    /// bytes (`openssl rand -hex 32`). A second line holds the former key during a rotation. One of the
    /// three may be set; with none, `{data_dir}/keys/master.key` is used, and made at the first start on
    /// SQLite. With PostgreSQL one must be set, because all nodes need the same key.
    Keys {
        /// File that holds the master key. Users other than owner and group must have no access to it.
        master_key_file: Option<PathBuf> = None;
        /// Name of the environment variable that holds the master key.
        master_key_env: Option<String> = None;
        /// Program that prints the master key, with its arguments; no shell is involved.
        master_key_command: Vec<String> = Vec::new();
    }
}
