//! Tests of the gateway as a whole, in one binary: what spans modules, databases or processes. Each
//! module is marked as a test, so that the lints about panics know their helpers for what they are.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod blob_crash;
#[cfg(test)]
mod blob_s3;
#[cfg(test)]
mod configuration;
