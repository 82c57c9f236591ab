//! The sheet of a kept conversion: whatever is in the file, it is read or refused, and reads the same when written again.

use wiidiaserver::provider::fuzzing::sheet_again;

pub fn law(input: &[u8]) {
    if let Some(again) = sheet_again(input) {
        assert_eq!(sheet_again(&again).as_deref(), Some(again.as_slice()));
    }
}
