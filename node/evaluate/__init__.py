"""What a federation would find: judged questions, split documents, every route and every merge."""
