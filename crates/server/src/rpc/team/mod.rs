//! `TeamService`: what policy administrators call.

mod answer;
mod create_team;
mod delete_team;
mod get_team;
mod list_teams;
mod service;
mod update_team;

pub(crate) use service::Teams;
