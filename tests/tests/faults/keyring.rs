//! The keyring locked, hanging, gone, emptied.
