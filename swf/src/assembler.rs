//! Statements into AVM1 actions.
//!
//! Values live on the machine's stack. Registers 0 to 3, which functions without registers of their own share with
//! everybody, hold a value only between two actions that follow each other here: no call comes between.

use crate::Wrong;
use crate::syntax::{Binary, Expression, Function, Place, Statement, Unary, What};
use std::collections::HashMap;
use swf::SwfStr;
use swf::avm1::types::{Action, ConstantPool, DefineFunction, If, Jump, Push, StoreRegister, Value};
use swf::avm1::write::Writer;

/// The SWF version that actions are written for.
pub const VERSION: u8 = 7;

/// Bytes of a jump: its code, the length of its data, and a distance.
const JUMP_LEN: usize = 5;

/// Strings that the pool takes: a reference is two bytes long.
const MOST_STRINGS: usize = u16::MAX as usize;

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

fn write(out: &mut Vec<u8>, action: &Action<'_>) {
    // Writing to memory cannot fail.
    let _ = Writer::new(out, VERSION).write_action(action);
}

/// Every string of the program, once.
#[derive(Default)]
struct Pool {
    strings: Vec<String>,
    known: HashMap<String, u16>,
}

impl Pool {
    fn index(&mut self, text: &str) -> Option<u16> {
        if let Some(index) = self.known.get(text) {
            return Some(*index);
        }
        let index = u16::try_from(self.strings.len()).ok().filter(|_| self.strings.len() < MOST_STRINGS)?;
        self.strings.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        Some(index)
    }
}

/// A place in the code that is jumped to.
#[derive(Clone, Copy)]
struct Label(usize);

/// Actions of one function, or of the frame.
struct Code<'a> {
    pool: &'a mut Pool,
    bytes: Vec<u8>,
    /// Where labels are, once that is known.
    labels: Vec<Option<usize>>,
    /// Where jumps end, and to which labels they go.
    jumps: Vec<(usize, Label)>,
    /// Loops around the present statement: where `continue` and `break` go.
    loops: Vec<(Label, Label)>,
    in_function: bool,
    line: u32,
}

impl<'a> Code<'a> {
    fn new(pool: &'a mut Pool, in_function: bool) -> Self {
        let (bytes, labels, jumps, loops) = Default::default();
        Self { pool, bytes, labels, jumps, loops, in_function, line: 1 }
    }

    /// The bytes, with all distances filled in.
    fn finish(mut self) -> Result<Vec<u8>, Wrong> {
        for (end, label) in std::mem::take(&mut self.jumps) {
            let target = self.labels[label.0].unwrap_or(self.bytes.len());
            let distance = i16::try_from(target as i64 - end as i64)
                .map_err(|_| self.wrong("this is too far to jump; make smaller functions of it"))?;
            self.bytes[end - 2..end].copy_from_slice(&distance.to_le_bytes());
        }
        if u16::try_from(self.bytes.len()).is_err() {
            return Err(self.wrong("this is longer than the machine takes; make smaller functions of it"));
        }
        Ok(self.bytes)
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong::new(self.line, what)
    }

    fn action(&mut self, action: &Action<'_>) {
        write(&mut self.bytes, action);
    }

    fn push(&mut self, value: Value<'_>) {
        self.action(&Action::Push(Push { values: vec![value] }));
    }

    fn text(&mut self, text: &str) -> Result<(), Wrong> {
        let index = self.pool.index(text).ok_or_else(|| self.wrong("there are too many strings"))?;
        self.push(Value::ConstantPool(index));
        Ok(())
    }

    fn number(&mut self, number: f64) {
        let whole = number as i32;
        // Minus zero is no integer.
        let is_whole = f64::from(whole) == number && (whole != 0 || number.is_sign_positive());
        self.push(if is_whole { Value::Int(whole) } else { Value::Double(number) });
    }

    fn count(&mut self, count: usize) {
        // A source has no list of two thousand million values.
        self.push(Value::Int(count as i32));
    }

    fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label is here.
    fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.bytes.len());
    }

    fn jump(&mut self, label: Label) {
        self.action(&Action::Jump(Jump { offset: 0 }));
        self.jumps.push((self.bytes.len(), label));
    }

    /// Takes a value from the stack, and jumps if it is true.
    fn jump_if(&mut self, label: Label) {
        let before = self.bytes.len();
        self.action(&Action::If(If { offset: 0 }));
        debug_assert_eq!(self.bytes.len() - before, JUMP_LEN);
        self.jumps.push((self.bytes.len(), label));
    }

    /// Takes a value from the stack, and jumps unless it is true.
    fn jump_unless(&mut self, label: Label) {
        self.action(&Action::Not);
        self.jump_if(label);
    }

    // ---- statements -----------------------------------------------------------------------------

    fn statements(&mut self, statements: &[Statement]) -> Result<(), Wrong> {
        // As in ECMAScript, a function can be called before the line that declares it.
        for statement in statements {
            if let What::Function(function) = &statement.what {
                self.line = statement.line;
                self.function(function)?;
            }
        }
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Wrong> {
        self.line = statement.line;
        match &statement.what {
            What::Variables(variables) => {
                for (name, value) in variables {
                    self.text(name)?;
                    match value {
                        Some(value) => {
                            self.value(value)?;
                            self.action(&Action::DefineLocal);
                        }
                        None => self.action(&Action::DefineLocal2),
                    }
                }
            }
            // Defined at the block's beginning.
            What::Function(_) => {}
            What::Expression(expression) => self.effect(expression)?,
            What::Block(statements) => self.statements(statements)?,
            What::If(condition, then, otherwise) => {
                let (over, end) = (self.label(), self.label());
                self.value(condition)?;
                self.jump_unless(over);
                self.statements(std::slice::from_ref(then))?;
                if let Some(otherwise) = otherwise {
                    self.jump(end);
                    self.place(over);
                    self.statements(std::slice::from_ref(otherwise))?;
                } else {
                    self.place(over);
                }
                self.place(end);
            }
            What::Loop { before, body, after } => {
                let (again, next, end) = (self.label(), self.label(), self.label());
                self.place(again);
                if let Some(condition) = before {
                    self.value(condition)?;
                    self.jump_unless(end);
                }
                self.loops.push((next, end));
                self.statements(std::slice::from_ref(body))?;
                self.loops.pop();
                self.place(next);
                if let Some(after) = after {
                    self.effect(after)?;
                }
                self.jump(again);
                self.place(end);
            }
            What::Return(value) => {
                if !self.in_function {
                    return Err(self.wrong("there is no function to return from"));
                }
                match value {
                    Some(value) => self.value(value)?,
                    None => self.push(Value::Undefined),
                }
                self.action(&Action::Return);
            }
            What::Break | What::Continue => {
                let around = self.loops.last().copied();
                let (next, end) = around.ok_or_else(|| self.wrong("there is no loop around this"))?;
                self.jump(if statement.what == What::Break { end } else { next });
            }
        }
        Ok(())
    }

    /// Leaves a function on the stack, unless it has a name.
    fn function(&mut self, function: &Function) -> Result<(), Wrong> {
        let mut code = Code::new(self.pool, true);
        code.line = self.line;
        code.statements(&function.body)?;
        let actions = code.finish()?;
        let name = SwfStr::from_utf8_str(&function.name);
        let params = function.parameters.iter().map(|name| SwfStr::from_utf8_str(name)).collect();
        self.action(&Action::DefineFunction(DefineFunction { name, params, actions: &actions }));
        Ok(())
    }

    /// An expression whose value nobody wants.
    fn effect(&mut self, expression: &Expression) -> Result<(), Wrong> {
        match expression {
            Expression::Assign(place, operator, value) => self.assign(place, *operator, value, false),
            Expression::Step { place, up, .. } => self.step(place, *up, None),
            Expression::Call(what, arguments) if self.built_in(what, arguments)? == Some(false) => Ok(()),
            Expression::Call(..) => {
                self.call(expression)?;
                self.action(&Action::Pop);
                Ok(())
            }
            _ => {
                self.value(expression)?;
                self.action(&Action::Pop);
                Ok(())
            }
        }
    }

    // ---- expressions ----------------------------------------------------------------------------

    /// Leaves the expression's value on the stack.
    fn value(&mut self, expression: &Expression) -> Result<(), Wrong> {
        match expression {
            Expression::Number(number) => self.number(*number),
            Expression::Text(text) => self.text(text)?,
            Expression::Truth(truth) => self.push(Value::Bool(*truth)),
            Expression::Null => self.push(Value::Null),
            Expression::Undefined => self.push(Value::Undefined),
            Expression::Array(values) => {
                self.backwards(values)?;
                self.count(values.len());
                self.action(&Action::InitArray);
            }
            Expression::Object(members) => {
                for (name, value) in members {
                    self.text(name)?;
                    self.value(value)?;
                }
                self.count(members.len());
                self.action(&Action::InitObject);
            }
            Expression::Function(function) => self.function(function)?,
            Expression::Place(place) => {
                self.address(place)?;
                self.get(place);
            }
            Expression::Call(what, arguments) => match self.built_in(what, arguments)? {
                Some(true) => {}
                Some(false) => self.push(Value::Undefined),
                None => self.call(expression)?,
            },
            Expression::New(class, arguments) => {
                self.backwards(arguments)?;
                self.count(arguments.len());
                match &**class {
                    Expression::Place(Place::Name(name)) => {
                        self.text(name)?;
                        self.action(&Action::NewObject);
                    }
                    Expression::Place(Place::Member(of, name)) => {
                        self.value(of)?;
                        self.value(name)?;
                        self.action(&Action::NewMethod);
                    }
                    _ => return Err(self.wrong("a class's name was expected behind new")),
                }
            }
            Expression::Unary(operator, operand) => {
                if *operator == Unary::Minus {
                    self.number(0.0);
                }
                self.value(operand)?;
                self.action(match operator {
                    Unary::Minus => &Action::Subtract,
                    Unary::Not => &Action::Not,
                    Unary::TypeOf => &Action::TypeOf,
                });
            }
            Expression::Delete(place) => {
                self.address(place)?;
                self.action(match place {
                    Place::Name(_) => &Action::Delete2,
                    Place::Member(..) => &Action::Delete,
                });
            }
            Expression::Binary(Binary::And, left, right) => self.either(left, right, false)?,
            Expression::Binary(Binary::Or, left, right) => self.either(left, right, true)?,
            Expression::Binary(operator, left, right) => {
                self.value(left)?;
                self.value(right)?;
                self.operate(*operator);
            }
            Expression::Choice(condition, then, otherwise) => {
                let (over, end) = (self.label(), self.label());
                self.value(condition)?;
                self.jump_unless(over);
                self.value(then)?;
                self.jump(end);
                self.place(over);
                self.value(otherwise)?;
                self.place(end);
            }
            Expression::Assign(place, operator, value) => self.assign(place, *operator, value, true)?,
            Expression::Step { place, up, before } => self.step(place, *up, Some(*before))?,
        }
        Ok(())
    }

    /// The machine takes the first one first, which is the one that was pushed last.
    fn backwards(&mut self, values: &[Expression]) -> Result<(), Wrong> {
        values.iter().rev().try_for_each(|value| self.value(value))
    }

    /// `a && b`, `a || b`: the second one only if the first one has not decided.
    fn either(&mut self, left: &Expression, right: &Expression, decides: bool) -> Result<(), Wrong> {
        let end = self.label();
        self.value(left)?;
        self.action(&Action::PushDuplicate);
        match decides {
            true => self.jump_if(end),
            false => self.jump_unless(end),
        }
        self.action(&Action::Pop);
        self.value(right)?;
        self.place(end);
        Ok(())
    }

    fn operate(&mut self, operator: Binary) {
        // What the machine has not is the opposite of what it has.
        let (action, opposite) = match operator {
            Binary::Add => (Action::Add2, false),
            Binary::Subtract => (Action::Subtract, false),
            Binary::Multiply => (Action::Multiply, false),
            Binary::Divide => (Action::Divide, false),
            Binary::Remainder => (Action::Modulo, false),
            Binary::Equal => (Action::Equals2, false),
            Binary::NotEqual => (Action::Equals2, true),
            Binary::Same => (Action::StrictEquals, false),
            Binary::NotSame => (Action::StrictEquals, true),
            Binary::Less => (Action::Less2, false),
            Binary::Greater => (Action::Greater, false),
            Binary::LessOrEqual => (Action::Greater, true),
            Binary::GreaterOrEqual => (Action::Less2, true),
            Binary::And | Binary::Or => unreachable!("they jump"),
        };
        self.action(&action);
        if opposite {
            self.action(&Action::Not);
        }
    }

    /// Leaves what says where a value is: a name, or an object and a name.
    fn address(&mut self, place: &Place) -> Result<(), Wrong> {
        match place {
            Place::Name(name) => self.text(name),
            Place::Member(of, name) => {
                self.value(of)?;
                self.value(name)
            }
        }
    }

    /// The value at an address.
    fn get(&mut self, place: &Place) {
        self.action(match place {
            Place::Name(_) => &Action::GetVariable,
            Place::Member(..) => &Action::GetMember,
        });
    }

    /// Takes an address and a value.
    fn set(&mut self, place: &Place) {
        self.action(match place {
            Place::Name(_) => &Action::SetVariable,
            Place::Member(..) => &Action::SetMember,
        });
    }

    fn store(&mut self, register: u8) {
        self.action(&Action::StoreRegister(StoreRegister { register }));
    }

    /// Leaves the address twice.
    fn address_twice(&mut self, place: &Place) -> Result<(), Wrong> {
        self.address(place)?;
        match place {
            Place::Name(_) => self.action(&Action::PushDuplicate),
            Place::Member(..) => {
                self.store(2);
                self.action(&Action::Pop);
                self.store(1);
                self.push(Value::Register(2));
                self.push(Value::Register(1));
                self.push(Value::Register(2));
            }
        }
        Ok(())
    }

    fn assign(
        &mut self,
        place: &Place,
        operator: Option<Binary>,
        value: &Expression,
        wanted: bool,
    ) -> Result<(), Wrong> {
        match operator {
            None => {
                self.address(place)?;
                self.value(value)?;
            }
            Some(operator) => {
                self.address_twice(place)?;
                self.get(place);
                self.value(value)?;
                self.operate(operator);
            }
        }
        if wanted {
            self.store(0);
        }
        self.set(place);
        if wanted {
            self.push(Value::Register(0));
        }
        Ok(())
    }

    /// `a++`: leaves the value before it if that is `wanted`, or the one after.
    fn step(&mut self, place: &Place, up: bool, wanted: Option<bool>) -> Result<(), Wrong> {
        self.address_twice(place)?;
        self.get(place);
        if wanted == Some(true) {
            self.action(&Action::ToNumber);
            self.store(0);
        }
        self.action(if up { &Action::Increment } else { &Action::Decrement });
        if wanted == Some(false) {
            self.store(0);
        }
        self.set(place);
        if wanted.is_some() {
            self.push(Value::Register(0));
        }
        Ok(())
    }

    fn call(&mut self, call: &Expression) -> Result<(), Wrong> {
        let Expression::Call(what, arguments) = call else { return Ok(()) };
        self.backwards(arguments)?;
        self.count(arguments.len());
        match &**what {
            Expression::Place(Place::Name(name)) => {
                self.text(name)?;
                self.action(&Action::CallFunction);
            }
            Expression::Place(Place::Member(of, name)) => {
                self.value(of)?;
                self.value(name)?;
                self.action(&Action::CallMethod);
            }
            function => {
                self.value(function)?;
                // A method without a name is the object itself.
                self.push(Value::Undefined);
                self.action(&Action::CallMethod);
            }
        }
        Ok(())
    }

    /// What is an action of the machine and no function. `Some(true)` when it has left a value, `Some(false)` when it
    /// has none, `None` when it is no such thing.
    fn built_in(&mut self, what: &Expression, arguments: &[Expression]) -> Result<Option<bool>, Wrong> {
        let Expression::Place(Place::Name(name)) = what else { return Ok(None) };
        let (action, count, yields) = match name.as_str() {
            "getTimer" => (Action::GetTime, 0, true),
            "trace" => (Action::Trace, 1, false),
            "int" => (Action::ToInteger, 1, true),
            "random" => (Action::RandomNumber, 1, true),
            _ => return Ok(None),
        };
        if arguments.len() != count {
            return Err(self.wrong(format!("{name} takes {count} arguments, here are {}", arguments.len())));
        }
        arguments.iter().try_for_each(|argument| self.value(argument))?;
        self.action(&action);
        Ok(Some(yields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swf::avm1::read::Reader;

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
