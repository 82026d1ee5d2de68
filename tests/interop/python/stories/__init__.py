"""The stories: each is a coroutine that takes the world, and is named by its docstring."""
