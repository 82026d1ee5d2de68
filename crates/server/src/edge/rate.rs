//! How many calls a caller may make in a second, and how many wrong credentials an address may try.
use crate::fault::Fault;
use crate::lifecycle::Limits;
use countersign_domain::person::Person;
use std::net::IpAddr;
#[derive(Clone)]
pub(crate) struct Rates;
impl Rates {
    pub(crate) fn new(_limits: &Limits) -> Self {
        Self
    }
    pub(crate) fn admit(&self, _caller: &Person) -> Result<(), Fault> {
        Ok(())
    }
    pub(crate) fn may_try(&self, _address: IpAddr) -> bool {
        true
    }
    pub(crate) fn failed(&self, _address: IpAddr) {}
}
