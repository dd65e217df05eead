# The whole deployment with mocks. tests/infra checks the state that this run prints.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

run "deployment" {
  command = apply
}
