//! What is done, one after the other.

use super::code::Code;
use crate::Wrong;
use crate::syntax::{Expression, Function, Statement, What};
use swf::SwfStr;
use swf::avm1::types::{Action, DefineFunction, Value};

impl Code<'_> {
    pub(super) fn statements(&mut self, statements: &[Statement]) -> Result<(), Wrong> {
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
    pub(super) fn function(&mut self, function: &Function) -> Result<(), Wrong> {
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
    pub(super) fn effect(&mut self, expression: &Expression) -> Result<(), Wrong> {
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
}
