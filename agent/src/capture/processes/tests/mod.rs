mod opening;
mod scanning;
