//! What leaves a value on the stack, and what changes one.

use super::code::Code;
use crate::Wrong;
use crate::syntax::{Binary, Expression, Place, Unary};
use swf::avm1::types::{Action, Value};

impl Code<'_> {
    /// Leaves the expression's value on the stack.
    pub(super) fn value(&mut self, expression: &Expression) -> Result<(), Wrong> {
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

    pub(super) fn assign(
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
    pub(super) fn step(&mut self, place: &Place, up: bool, wanted: Option<bool>) -> Result<(), Wrong> {
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

    pub(super) fn call(&mut self, call: &Expression) -> Result<(), Wrong> {
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
    pub(super) fn built_in(
        &mut self,
        what: &Expression,
        arguments: &[Expression],
    ) -> Result<Option<bool>, Wrong> {
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
