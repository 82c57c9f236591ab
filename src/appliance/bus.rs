//! Calls to services of the system.

use super::{Appliance, SystemError};
use crate::limits::SYSTEM_CALL_TIMEOUT;
use std::collections::HashMap;
use zbus::zvariant::{DynamicType, OwnedValue};
use zbus::{Connection, Proxy};

/// A service: its name, and where it is asked.
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) interface: &'static str,
}

impl Appliance {
    async fn proxy(&self, service: &'static Service) -> Result<Proxy<'static>, SystemError> {
        self.must_be_here()?;
        let connecting = self.bus.get_or_try_init(Connection::system);
        let bus = within(connecting).await?;
        within(Proxy::new(bus, service.name, service.path, service.interface)).await
    }

    /// Calls a method.
    pub(super) async fn call<B, R>(
        &self,
        service: &'static Service,
        method: &'static str,
        body: &B,
    ) -> Result<R, SystemError>
    where
        B: serde::Serialize + DynamicType + Sync,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let proxy = self.proxy(service).await?;
        within(proxy.call(method, body)).await
    }

    /// All properties of an object of a service, of one of its interfaces.
    pub(super) async fn properties(
        &self,
        service: &'static Service,
        path: &str,
        interface: &'static str,
    ) -> Result<HashMap<String, OwnedValue>, SystemError> {
        self.call_at(service, path, "org.freedesktop.DBus.Properties", "GetAll", &(interface,)).await
    }

    /// Calls a method of an object whose place is known only by now.
    pub(super) async fn call_at<B, R>(
        &self,
        service: &'static Service,
        path: &str,
        interface: &'static str,
        method: &'static str,
        body: &B,
    ) -> Result<R, SystemError>
    where
        B: serde::Serialize + DynamicType + Sync,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        self.must_be_here()?;
        let bus = within(self.bus.get_or_try_init(Connection::system)).await?;
        let calling = async {
            let reply = bus.call_method(Some(service.name), path, Some(interface), method, body).await?;
            reply.body().deserialize()
        };
        within(calling).await
    }

    /// Reads a property.
    pub(super) async fn property<T>(
        &self,
        service: &'static Service,
        name: &'static str,
    ) -> Result<T, SystemError>
    where
        T: TryFrom<OwnedValue>,
        T::Error: Into<zbus::Error>,
    {
        let proxy = self.proxy(service).await?;
        within(proxy.get_property(name)).await
    }
}

async fn within<T>(call: impl Future<Output = zbus::Result<T>>) -> Result<T, SystemError> {
    match tokio::time::timeout(SYSTEM_CALL_TIMEOUT, call).await {
        Ok(result) => result.map_err(SystemError::from),
        Err(_) => {
            let seconds = SYSTEM_CALL_TIMEOUT.as_secs();
            Err(SystemError::Failed(format!("the system did not answer within {seconds} s; try again")))
        }
    }
}

impl From<zbus::Error> for SystemError {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::MethodError(name, text, _) => {
                let text = text.clone().unwrap_or_else(|| name.to_string());
                match name.as_str().rsplit('.').next().unwrap_or_default() {
                    "ServiceUnknown" | "NameHasNoOwner" | "UnknownObject" | "UnknownInterface"
                    | "UnknownMethod" | "UnknownProperty" => Self::NotHere(text),
                    "AccessDenied" | "InteractiveAuthorizationRequired" | "AuthFailed" => Self::Refused(text),
                    _ => Self::Failed(text),
                }
            }
            zbus::Error::FDO(inner) => match &**inner {
                zbus::fdo::Error::ServiceUnknown(text)
                | zbus::fdo::Error::NameHasNoOwner(text)
                | zbus::fdo::Error::UnknownObject(text)
                | zbus::fdo::Error::UnknownInterface(text)
                | zbus::fdo::Error::UnknownMethod(text)
                | zbus::fdo::Error::UnknownProperty(text) => Self::NotHere(text.clone()),
                zbus::fdo::Error::AccessDenied(text)
                | zbus::fdo::Error::InteractiveAuthorizationRequired(text) => Self::Refused(text.clone()),
                other => Self::Failed(other.to_string()),
            },
            zbus::Error::InputOutput(error) => Self::NotHere(format!("there is no D-Bus ({error})")),
            other => Self::Failed(other.to_string()),
        }
    }
}
