// stub
import { catalogue as english } from '../en/catalogue.ts';
export const catalogue = english;
