//! An instance on its way in.
