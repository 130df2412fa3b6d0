"""The programs of washing machine and dishwasher, as their makers' data sheets and meters show them."""
