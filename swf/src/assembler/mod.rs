//! Statements into AVM1 actions.
//!
//! | module | what it is |
//! |---|---|
//! | `code` | bytes of actions, the places in them that are jumped to, strings |
//! | `statements` | what is done, one after the other |
//! | `expressions` | what leaves a value |
//!
//! Values live on the machine's stack. Registers 0 to 3, which functions without registers of their own share with
//! everybody, hold a value only between two actions that follow each other here: no call comes between.

mod code;
mod expressions;
mod statements;

use crate::Wrong;
use crate::syntax::Statement;
use code::{Code, Pool, write};
use swf::SwfStr;
use swf::avm1::types::{Action, ConstantPool};

/// The SWF version that actions are written for.
pub const VERSION: u8 = 7;

/// Assembles a program: the actions of a frame.
///
/// # Errors
/// When it does something that the machine cannot.
pub fn assemble(program: &[Statement]) -> Result<Vec<u8>, Wrong> {
    let mut pool = Pool::default();
    let mut code = Code::new(&mut pool, false);
    code.statements(program)?;
    let body = code.finish()?;
    let mut actions = Vec::new();
    let strings: Vec<&SwfStr> = pool.strings.iter().map(|text| SwfStr::from_utf8_str(text)).collect();
    write(&mut actions, &Action::ConstantPool(ConstantPool { strings }));
    actions.extend(body);
    Ok(actions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swf::avm1::read::Reader;
    use swf::avm1::types::Value;

    /// The actions of a program, named as the machine's documentation names them.
    fn actions(source: &str) -> Vec<String> {
        let code = assemble(&crate::parser::parse(crate::lexer::tokens(source).unwrap()).unwrap()).unwrap();
        let mut reader = Reader::new(&code, VERSION);
        let mut pool: Vec<String> = Vec::new();
        let mut found = Vec::new();
        while !reader.get_ref().is_empty() {
            match reader.read_action().unwrap() {
                Action::ConstantPool(strings) => {
                    pool = strings.strings.iter().map(|text| text.to_string_lossy(swf::UTF_8)).collect();
                }
                Action::Push(push) => found.extend(push.values.iter().map(|value| match value {
                    Value::ConstantPool(at) => format!("{:?}", pool[usize::from(*at)]),
                    Value::Int(number) => number.to_string(),
                    Value::Register(register) => format!("r{register}"),
                    other => format!("{other:?}"),
                })),
                Action::If(jump) => found.push(format!("If {}", jump.offset)),
                Action::Jump(jump) => found.push(format!("Jump {}", jump.offset)),
                Action::StoreRegister(store) => found.push(format!("r{} =", store.register)),
                Action::DefineFunction(function) => found.push(format!(
                    "Function {}({}) {}",
                    function.name.to_string_lossy(swf::UTF_8),
                    function.params.len(),
                    function.actions.len()
                )),
                other => found.push(format!("{other:?}")),
            }
        }
        found
    }

    #[test]
    fn values_are_pushed_and_the_last_argument_first() {
        assert_eq!(
            actions("a.b(1, 'x');"),
            ["\"x\"", "1", "2", "\"a\"", "GetVariable", "\"b\"", "CallMethod", "Pop"]
        );
        assert_eq!(
            actions("var a = [1, 2]; b = {c: 1.5};"),
            [
                "\"a\"",
                "2",
                "1",
                "2",
                "InitArray",
                "DefineLocal",
                "\"b\"",
                "\"c\"",
                "Double(1.5)",
                "1",
                "InitObject",
                "SetVariable"
            ]
        );
    }

    #[test]
    fn jumps_go_where_they_should() {
        // A push of a pool reference is 6 bytes long (as long as there are no more than 256 strings: 5), a jump 5.
        let found = actions("while (a) { if (b) break; c(); }");
        let jumps: Vec<&String> =
            found.iter().filter(|action| action.starts_with("If") || action.starts_with("Jump")).collect();
        assert_eq!(jumps.len(), 4, "{found:?}");
        assert!(jumps[3].starts_with("Jump -"), "back to the condition: {found:?}");
    }

    #[test]
    fn a_member_is_found_once_when_it_is_changed() {
        assert_eq!(
            actions("a.b += 2;"),
            [
                "\"a\"",
                "GetVariable",
                "\"b\"",
                "r2 =",
                "Pop",
                "r1 =",
                "r2",
                "r1",
                "r2",
                "GetMember",
                "2",
                "Add2",
                "SetMember"
            ]
        );
        assert_eq!(
            actions("x = a++;"),
            [
                "\"x\"",
                "\"a\"",
                "PushDuplicate",
                "GetVariable",
                "ToNumber",
                "r0 =",
                "Increment",
                "SetVariable",
                "r0",
                "SetVariable"
            ]
        );
    }

    #[test]
    fn functions_are_there_before_their_lines_and_actions_are_no_functions() {
        let found = actions("f(getTimer()); function f(a) { return a; } trace(1);");
        assert!(found[0].starts_with("Function f(1) "), "{found:?}");
        assert!(found.contains(&"GetTime".to_owned()) && found.contains(&"Trace".to_owned()), "{found:?}");
        assert!(!found.contains(&"Return".to_owned()), "it is part of the function: {found:?}");
    }

    #[test]
    fn what_the_machine_cannot_is_said_with_its_line() {
        let wrong = |source: &str| {
            assemble(&crate::parser::parse(crate::lexer::tokens(source).unwrap()).unwrap())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(wrong("\nreturn 1;"), "line 2: there is no function to return from");
        assert_eq!(wrong("break;"), "line 1: there is no loop around this");
        assert_eq!(wrong("x = getTimer(1);"), "line 1: getTimer takes 0 arguments, here are 1");
        let long = format!("while (a) {{ {} }}", "b('x');".repeat(4000));
        assert!(wrong(&long).contains("too far to jump"));
    }
}
